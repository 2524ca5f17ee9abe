#pragma once

#include <cstdint>

namespace spillway::bench {

/// The cheapest use of every element, a maximum in four registers of the best instruction set:
/// what the other passes over an array are compared with.
float read_once(const float* values, std::int64_t n);

}  // namespace spillway::bench
