#include "compression/sparse/select.hpp"

#include <c10/util/Exception.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace spillway::compression {
namespace {

constexpr std::int64_t kBlock = 8192;           // elements between two looks at the room left
constexpr std::int64_t kMaxSample = 65536;      // elements that bound the k-th magnitude
constexpr std::int64_t kFew = 2048;             // elements that are partitioned without a sample
constexpr double kDeviations = 4;               // of the sample's counts that a bound allows for
constexpr std::uint32_t kLargest = 0x7FFFFFFF;  // no magnitude has larger bits

std::uint32_t magnitude(float value) { return std::bit_cast<std::uint32_t>(value) & kLargest; }

/// Sample positions: one in each of `count` equal parts of [0, n), at a fixed pseudo-random place,
/// so that rows and columns of a matrix leave no pattern.
std::int64_t position(std::int64_t i, std::int64_t count, std::int64_t n) {
  const std::int64_t width = n / count;
  const auto mixed = (static_cast<std::uint64_t>(i) + 1) * 0x9E3779B97F4A7C15ULL;
  return i * width + static_cast<std::int64_t>((mixed >> 32) % static_cast<std::uint64_t>(width));
}

/// Bits between which the k-th largest magnitude lies, almost surely.
struct Bracket {
  std::uint32_t low = 0, high = kLargest;
};

/// Overwrites `sample`.
Bracket bracket(const float* values, std::int64_t n, std::int64_t k, std::uint32_t* sample) {
  const double root = std::cbrt(static_cast<double>(n));
  const std::int64_t count = std::clamp<std::int64_t>(static_cast<std::int64_t>(root * root / 4),
                                                      std::min<std::int64_t>(n, 256), kMaxSample);
  for (std::int64_t i = 0; i < count; ++i) sample[i] = magnitude(values[position(i, count, n)]);
  const double share = static_cast<double>(k) / static_cast<double>(n);
  const double expected = share * static_cast<double>(count);
  const double margin = kDeviations * (1 + std::sqrt(expected * (1 - share)));
  const auto high = static_cast<std::int64_t>(std::floor(expected - margin));
  const auto low = static_cast<std::int64_t>(std::ceil(expected + margin));
  Bracket found;
  std::uint32_t* end = sample + count;
  if (low < count) {
    std::nth_element(sample, sample + low, end, std::greater<>());
    found.low = sample[low];
    end = sample + low;
  }
  if (high >= 0) {
    std::nth_element(sample, sample + high, end, std::greater<>());
    found.high = sample[high];
  }
  return found;
}

}  // namespace

void TopKSelector::select(const float* values, std::int64_t n, std::int64_t k,
                          std::int32_t* indices, float* selected) {
  TORCH_CHECK(k >= 0 && k <= n && n <= std::numeric_limits<std::int32_t>::max(), "top k: k is ", k,
              " of ", n, " elements; valid: 0 <= k <= n < 2^31");
  if (k == 0) return;
  reserve(k + k / 2 + 4 * kBlock);
  std::int64_t number = collect(values, n, k, bracket(values, n, k, sample_.get()).low);
  if (number < k) number = collect(values, n, k, 0);  // the bound was too high
  cut(number, k, {.indices = indices, .values = selected});
}

void TopKSelector::reserve(std::int64_t capacity) {
  if (capacity <= capacity_) return;
  const auto room = static_cast<std::size_t>(capacity + kernels::kSlack);
  indices_ = std::make_unique_for_overwrite<std::int32_t[]>(room);
  values_ = std::make_unique_for_overwrite<float[]>(room);
  narrowed_ = std::make_unique_for_overwrite<float[]>(room);
  if (sample_ == nullptr) sample_ = std::make_unique_for_overwrite<std::uint32_t[]>(kMaxSample);
  capacity_ = capacity;
}

/// Fills the buffer with pairs of at least the bits `least`, those that may be among the k largest.
/// Returns their number.
std::int64_t TopKSelector::collect(const float* values, std::int64_t n, std::int64_t k,
                                   std::uint32_t least) {
  const kernels::Pairs all = pairs();
  std::int64_t number = 0;
  bool enough = false;
  for (std::int64_t begin = 0; begin < n; begin += kBlock) {
    const std::int64_t end = std::min(begin + kBlock, n);
    if (number + kBlock > capacity_) {
      least = cut(number, k, all) + 1;  // an equal one with a higher index would lose
      number = k;
      enough = true;
    } else if (!enough && number >= k) {
      ++least;
      enough = true;
    }
    number +=
        kernels::collect(values, begin, end, least, all.indices + number, all.values + number);
  }
  return number;
}

/// Moves the k largest of the first `number` pairs to `to`, in order. Returns the k-th magnitude.
std::uint32_t TopKSelector::cut(std::int64_t number, std::int64_t k, const kernels::Pairs& to) {
  const kernels::Pairs from = pairs();
  const auto [bits, taken] = find_cut(number, k);
  const std::int64_t last = kernels::behind_equal(from.values, number, bits, taken);
  const std::int64_t kept = kernels::keep(from, 0, last, bits, to, k);
  kernels::keep(from, last, number, bits + 1,
                {.indices = to.indices + kept, .values = to.values + kept}, k - kept);
  return bits;
}

/// Looks for the k-th largest of the first `number` pairs: brackets it by a sample and goes on with
/// what lies between.
TopKSelector::Cut TopKSelector::find_cut(std::int64_t number, std::int64_t k) {
  const float* values = values_.get();
  while (number > kFew) {
    const auto [low, high] = bracket(values, number, k, sample_.get());
    const kernels::Counts counts = kernels::count(values, number, low, high);
    if (counts.above_high < k && k <= counts.from_high) return {high, k - counts.above_high};
    if (counts.above_low < k && k <= counts.from_low) return {low, k - counts.above_low};
    Bracket rest{.low = low + 1, .high = high - 1};
    if (k <= counts.above_high) {
      rest = {.low = high + 1, .high = kLargest};
    } else if (k > counts.from_low) {
      rest = {.low = 0, .high = low - 1};
      k -= counts.from_low;
    } else {
      k -= counts.from_high;
    }
    number = kernels::extract(values, number, rest.low, rest.high, narrowed_.get());
    values = narrowed_.get();
  }
  std::uint32_t* few = sample_.get();
  std::transform(values, values + number, few, magnitude);
  std::nth_element(few, few + (k - 1), few + number, std::greater<>());
  const std::uint32_t bits = few[k - 1];
  return {bits, k - std::count_if(few, few + k, [bits](std::uint32_t x) { return x > bits; })};
}

}  // namespace spillway::compression
