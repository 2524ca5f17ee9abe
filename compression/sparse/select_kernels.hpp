#pragma once

#include <cstdint>

namespace spillway::compression::kernels {

// Vector kernels behind select.hpp, compiled for several instruction sets and chosen at run time.
// Magnitudes are compared as the bits of |x|, whose order as integers is that of the numbers.

/// Elements that the kernels may write behind the last one they keep.
inline constexpr std::int64_t kSlack = 64;

/// Appends to (indices, kept) every values[i], i in [begin, end), whose magnitude has at least the
/// bits `least`. Returns their number. Both need room for kSlack more.
std::int64_t collect(const float* values, std::int64_t begin, std::int64_t end, std::uint32_t least,
                     std::int32_t* indices, float* kept);

/// Index-value pairs in ascending order of the index.
struct Pairs {
  std::int32_t* indices = nullptr;
  float* values = nullptr;
};

/// Copies the pairs [begin, end) of `from` whose magnitude has at least the bits `least` to the
/// front of `to`, which has room for `room` and may be `from` itself. Returns their number.
std::int64_t keep(const Pairs& from, std::int64_t begin, std::int64_t end, std::uint32_t least,
                  const Pairs& to, std::int64_t room);

/// How many of values [n] are larger in magnitude than the bits `high` and `low`, and how many at
/// least as large.
struct Counts {
  std::int64_t above_high = 0, from_high = 0, above_low = 0, from_low = 0;
};
Counts count(const float* values, std::int64_t n, std::uint32_t low, std::uint32_t high);

/// Copies the values with least <= magnitude <= most (bits) to `out`, which may be `values` and
/// needs room for kSlack more. Returns their number.
std::int64_t extract(const float* values, std::int64_t n, std::uint32_t least, std::uint32_t most,
                     float* out);

/// Position behind the number `wanted` (from 1) of the values whose magnitude has the bits `bits`;
/// n when there are fewer.
std::int64_t behind_equal(const float* values, std::int64_t n, std::uint32_t bits,
                          std::int64_t wanted);

}  // namespace spillway::compression::kernels
