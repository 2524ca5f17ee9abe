#pragma once

#include <cstdint>

#include "compression/low_rank/device.hpp"

namespace spillway::compression {

// When a row counts as degenerate, and what takes its place: one rule for all that orthogonalizes.

/// Share of a row's length below which what is left of it is rounding noise of float32.
inline constexpr double kDegenerate = 3e-7;
/// Bound of cond^2 (Frobenius norms) up to which one pass of CholeskyQR in float64 is good to 1e-8.
inline constexpr double kOnePass = 1e7;
/// Pseudo-random directions tried in place of a degenerate row; the first one serves unless it lies
/// in the span by accident.
inline constexpr std::uint64_t kAttempts = 8;

/// Fixed numbers in [-1, 1), one for each (seed, k): splitmix64 (Steele et al. 2014).
SPILLWAY_DEVICE inline double noise(std::uint64_t seed, std::int64_t k) {
  std::uint64_t z = (seed << 40) + static_cast<std::uint64_t>(k) + 1;
  z *= 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return static_cast<double>(static_cast<std::int64_t>(z ^ (z >> 31))) / 9223372036854775808.0;
}

}  // namespace spillway::compression
