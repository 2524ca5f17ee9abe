#pragma once

#include <cstdint>

namespace spillway::bench {

// What one core can do at most, with the best instruction set there is.

/// The cheapest use of every element of an array, a maximum in four registers: what other passes
/// over it are compared with.
float read_once(const float* values, std::int64_t n);

/// values += more: two arrays read, one written. More streams at once move more bytes a second than
/// reading one.
void add_once(float* values, const float* more, std::int64_t n);

/// Multiplies and adds `rounds` times in each lane of 16 registers, which is as many as hide the
/// latency everywhere. Returns the floating-point operations done, two for a lane's step.
double multiply_and_add(std::int64_t rounds);

}  // namespace spillway::bench
