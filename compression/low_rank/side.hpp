#pragma once

#include <cstdint>

namespace spillway::compression {

/// One of the two factors of a matrix [M, N] of approximation rank R.
enum class Side : std::uint8_t {
  left,   ///< P [R, M]
  right,  ///< Q [R, N]
};

}  // namespace spillway::compression
