#pragma once

#include <array>
#include <cstdint>

#include "data/mutate/random_key.hpp"

namespace spillway::data {

/// A keyed permutation of [0, n) in constant memory: an unbalanced Feistel network over ceil(log2
/// n) bits, walked until it falls into [0, n) (cycle walking, Black and Rogaway 2002, "Ciphers with
/// Arbitrary Finite Domains", section 3). At most 2 evaluations on average, some 20 to 60 ns.
/// Exactly invertible. Six rounds: four pass the tests of uniformity too, six with room to spare.
class Permutation {
 public:
  /// n in [1, 2^62]; throws Error(fault) otherwise.
  Permutation(std::uint64_t n, RandomKey key);

  std::uint64_t size() const { return n_; }
  /// Where position `i` < n goes.
  std::uint64_t operator()(std::uint64_t i) const;
  /// The position that goes to `value` < n.
  std::uint64_t inverse(std::uint64_t value) const;

 private:
  static constexpr int kRounds = 6;
  std::uint64_t encrypt(std::uint64_t value) const;
  std::uint64_t decrypt(std::uint64_t value) const;

  std::uint64_t n_;
  int low_bits_;
  std::uint64_t low_mask_, high_mask_;
  std::array<std::uint64_t, kRounds> keys_{};
};

}  // namespace spillway::data
