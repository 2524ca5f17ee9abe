#include "compression/sparse/random_indices.hpp"

#include <c10/util/Exception.h>

#include <bit>
#include <limits>

namespace spillway::compression {
namespace {

/// Number `index` of the stream `seed`: splitmix64 (Steele et al. 2014,
/// doi:10.1145/2660193.2660195).
std::uint64_t random_bits(std::uint64_t seed, std::uint64_t index) {
  std::uint64_t z = seed + (index + 1) * 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

/// `bits` spread evenly over [0, bound), bound <= 2^31; uneven by less than 2^-32.
std::uint64_t scaled(std::uint64_t bits, std::uint64_t bound) {
  return ((bits >> 32) * bound + (((bits & 0xFFFFFFFF) * bound) >> 32)) >> 32;
}

}  // namespace

void RandomIndices::draw(std::uint64_t seed, std::int64_t n, std::int64_t k,
                         std::int32_t* indices) {
  TORCH_CHECK(k >= 0 && k <= n && n <= std::numeric_limits<std::int32_t>::max(), "random k: k is ",
              k, " of ", n, " elements; valid: 0 <= k <= n < 2^31");
  const std::uint64_t stream = random_bits(seed, 0);  // seeds in sequence share no numbers
  taken_.assign(static_cast<std::size_t>((n + 63) / 64), 0);
  for (auto j = static_cast<std::uint64_t>(n - k); j < static_cast<std::uint64_t>(n); ++j) {
    const std::uint64_t drawn = scaled(random_bits(stream, j), j + 1);
    const std::uint64_t free = (taken_[drawn / 64] >> (drawn % 64) & 1) == 0 ? drawn : j;
    taken_[free / 64] |= std::uint64_t{1} << (free % 64);
  }
  for (std::size_t word = 0; word < taken_.size(); ++word) {
    for (std::uint64_t left = taken_[word]; left != 0; left &= left - 1)
      *indices++ = static_cast<std::int32_t>(64 * word) + std::countr_zero(left);
  }
}

}  // namespace spillway::compression
