#pragma once

#include <cstdint>

namespace spillway::pipeline {

/// The numbers of a search, the same for the same seed everywhere: SplitMix64, Steele et al. 2014,
/// "Fast splittable pseudorandom number generators", Figure 16.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() {
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  /// 0 .. n - 1; n >= 1.
  int below(int n) {
    return static_cast<int>((bits() >> 32U) * static_cast<std::uint64_t>(n) >> 32U);
  }
  /// In [0, 1).
  double uniform() { return static_cast<double>(bits() >> 11U) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

}  // namespace spillway::pipeline
