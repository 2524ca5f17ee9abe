#include "data/order/permutation.hpp"

#include <bit>
#include <string>

#include "configs/error.hpp"

namespace spillway::data {
namespace {

/// Round function: the finalizer of SplitMix64, whose high bits depend on all of its input.
constexpr std::uint64_t scramble(std::uint64_t half, std::uint64_t key) {
  std::uint64_t z = (half ^ key) + 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

}  // namespace

Permutation::Permutation(std::uint64_t n, RandomKey key) : n_(n) {
  if (n < 1 || n > std::uint64_t{1} << 62)
    fail("permutation of " + std::to_string(n) + " elements; valid: 1 to 2^62");
  const int bits = static_cast<int>(std::bit_width(n - 1));
  low_bits_ = bits - bits / 2;
  low_mask_ = (std::uint64_t{1} << low_bits_) - 1;
  high_mask_ = (std::uint64_t{1} << (bits / 2)) - 1;
  for (std::uint64_t& round_key : keys_) round_key = key.next();
}

std::uint64_t Permutation::encrypt(std::uint64_t value) const {
  std::uint64_t low = value & low_mask_, high = value >> low_bits_;
  for (int round = 0; round < kRounds; round += 2) {
    high ^= scramble(low, keys_[static_cast<std::size_t>(round)]) & high_mask_;
    low ^= scramble(high, keys_[static_cast<std::size_t>(round) + 1]) & low_mask_;
  }
  return high << low_bits_ | low;
}

std::uint64_t Permutation::decrypt(std::uint64_t value) const {
  std::uint64_t low = value & low_mask_, high = value >> low_bits_;
  for (int round = kRounds; round > 0; round -= 2) {
    low ^= scramble(high, keys_[static_cast<std::size_t>(round) - 1]) & low_mask_;
    high ^= scramble(low, keys_[static_cast<std::size_t>(round) - 2]) & high_mask_;
  }
  return high << low_bits_ | low;
}

std::uint64_t Permutation::operator()(std::uint64_t i) const {
  do i = encrypt(i);
  while (i >= n_);
  return i;
}

std::uint64_t Permutation::inverse(std::uint64_t value) const {
  do value = decrypt(value);
  while (value >= n_);
  return value;
}

}  // namespace spillway::data
