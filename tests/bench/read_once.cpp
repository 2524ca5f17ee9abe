#include "tests/bench/read_once.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tests/bench/read_once.cpp"
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

}  // namespace HWY_NAMESPACE
}  // namespace spillway::bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spillway::bench {

HWY_EXPORT(read_once);

float read_once(const float* values, std::int64_t n) {
  return HWY_DYNAMIC_DISPATCH(read_once)(values, n);
}

}  // namespace spillway::bench
#endif
