#include "tests/bench/machine_peaks.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/bench/machine_peaks.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace spillway::bench {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

float read_once(const float* values, std::int64_t n) {
  const hn::ScalableTag<float> tag;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(tag));
  auto a = hn::Zero(tag), b = a, c = a, d = a;
  for (std::int64_t i = 0; i + 4 * lanes <= n; i += 4 * lanes) {
    a = hn::Max(a, hn::LoadU(tag, values + i));
    b = hn::Max(b, hn::LoadU(tag, values + i + lanes));
    c = hn::Max(c, hn::LoadU(tag, values + i + 2 * lanes));
    d = hn::Max(d, hn::LoadU(tag, values + i + 3 * lanes));
  }
  return hn::GetLane(hn::MaxOfLanes(tag, hn::Max(hn::Max(a, b), hn::Max(c, d))));
}

void add_once(float* values, const float* more, std::int64_t n) {
  const hn::ScalableTag<float> tag;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(tag));
  for (std::int64_t i = 0; i + lanes <= n; i += lanes)
    hn::StoreU(hn::Add(hn::LoadU(tag, values + i), hn::LoadU(tag, more + i)), tag, values + i);
}

double multiply_and_add(std::int64_t rounds) {
  const hn::ScalableTag<float> tag;
  constexpr int kRegisters = 16;
  const auto factor = hn::Set(tag, 0.5F);
  hn::Vec<decltype(tag)> sums[kRegisters];
  for (auto& sum : sums) sum = hn::Zero(tag);
  for (std::int64_t round = 0; round < rounds; ++round) {
    for (auto& sum : sums) sum = hn::MulAdd(sum, factor, factor);
  }
  double checked = 0;
  for (const auto& sum : sums) checked += static_cast<double>(hn::GetLane(sum));
  const double done = 2.0 * kRegisters * static_cast<double>(hn::Lanes(tag) * rounds);
  return checked > 0 ? done : 0;  // the sums are used, so they are computed
}

}  // namespace HWY_NAMESPACE
}  // namespace spillway::bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spillway::bench {

HWY_EXPORT(read_once);
HWY_EXPORT(add_once);
HWY_EXPORT(multiply_and_add);

float read_once(const float* values, std::int64_t n) {
  return HWY_DYNAMIC_DISPATCH(read_once)(values, n);
}

void add_once(float* values, const float* more, std::int64_t n) {
  HWY_DYNAMIC_DISPATCH(add_once)(values, more, n);
}

double multiply_and_add(std::int64_t rounds) {
  return HWY_DYNAMIC_DISPATCH(multiply_and_add)(rounds);
}

}  // namespace spillway::bench
#endif
