#pragma once

#include <cstdint>
#include <vector>

namespace spillway::compression {

/// Draws k of n indices without replacement, every set equally likely: Floyd's method (Bentley and
/// Floyd 1987, doi:10.1145/30401.315746) on a bit for each index. Integers only, and the j-th
/// number is a hash of (seed, j), so equal arguments give equal indices on every machine. O(k + n /
/// 64).
///
/// Keeps its n bits: no allocation once the largest n has been seen. One object per thread.
class RandomIndices {
 public:
  /// Fills indices [k], ascending. Throws c10::Error unless 0 <= k <= n < 2^31.
  void draw(std::uint64_t seed, std::int64_t n, std::int64_t k, std::int32_t* indices);

 private:
  std::vector<std::uint64_t> taken_;
};

}  // namespace spillway::compression
