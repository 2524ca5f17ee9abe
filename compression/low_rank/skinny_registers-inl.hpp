// What the skinny kernels share, once for each instruction set (hence no ordinary include guard).
#if defined(SPILLWAY_SKINNY_REGISTERS) == defined(HWY_TARGET_TOGGLE)
#ifdef SPILLWAY_SKINNY_REGISTERS
#undef SPILLWAY_SKINNY_REGISTERS
#else
#define SPILLWAY_SKINNY_REGISTERS
#endif

#include <hwy/highway.h>

#include <algorithm>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace spillway::compression::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using Vector = hn::Vec<Floats>;

/// AVX-512 has 32 registers, what came before 16.
constexpr bool kManyRegisters = HWY_MAX_BYTES >= 64;
constexpr std::int64_t kMostLanes = HWY_MAX_BYTES / 4;
constexpr std::int64_t kLine = 16;  // floats of a cache line
/// Columns of a block: the factor's part of it stays in the second cache while the gradient streams
/// past.
constexpr std::int64_t kColumns = 1024;

HWY_INLINE std::int64_t lanes() { return static_cast<std::int64_t>(hn::Lanes(Floats())); }

/// The first `count` values at `from`, zeros behind; all of them when count covers a vector.
/// Touches nothing else, which masked operations do where the hardware has none.
HWY_INLINE Vector load(const float* from, std::int64_t count) {
  const Floats tag;
  if (count >= lanes()) return hn::LoadU(tag, from);
  float part[kMostLanes] = {};
  std::copy(from, from + count, part);
  return hn::LoadU(tag, part);
}

HWY_INLINE void store(Vector value, float* to, std::int64_t count) {
  const Floats tag;
  if (count >= lanes()) {
    hn::StoreU(value, tag, to);
    return;
  }
  float part[kMostLanes];
  hn::StoreU(value, tag, part);
  std::copy(part, part + count, to);
}

}  // namespace HWY_NAMESPACE
}  // namespace spillway::compression::kernels
HWY_AFTER_NAMESPACE();

#endif
