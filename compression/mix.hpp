#pragma once

#include <cstdint>

namespace spillway::compression {

/// Number `index` of the random stream `seed`, the same on every machine: SplitMix64, Steele et al.
/// 2014, doi:10.1145/2660193.2660195.
constexpr std::uint64_t mix(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = seed + (index + 1) * 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31U);
}

}  // namespace spillway::compression
