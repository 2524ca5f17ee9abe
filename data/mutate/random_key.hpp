#pragma once

#include <cstdint>

namespace spillway::data {

/// A counter-based random stream as an explicit value: equal keys give equal draws on every
/// machine.
class RandomKey {
 public:
  explicit constexpr RandomKey(std::uint64_t key) : key_(key) {}

  /// A key that depends on this one and on `word`; split(a).split(b) differs from
  /// split(b).split(a).
  constexpr RandomKey split(std::uint64_t word) const {
    return RandomKey(mix(key_ ^ mix(word + 0x9e3779b97f4a7c15ULL)));
  }
  constexpr std::uint64_t value() const { return key_; }

  constexpr std::uint64_t next() { return mix(key_ + 0x9e3779b97f4a7c15ULL * ++counter_); }
  /// Uniform in [0, bound), bound >= 1, without bias worth naming (128-bit multiply).
  constexpr std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }
  /// Uniform in [0, 1).
  constexpr double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  /// Finalizer of SplitMix64 (Steele et al. 2014, "Fast Splittable Pseudorandom Number Generators",
  /// section 5).
  static constexpr std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::uint64_t key_;
  std::uint64_t counter_ = 0;
};

}  // namespace spillway::data
