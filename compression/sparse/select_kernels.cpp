#include "compression/sparse/select_kernels.hpp"

#include <hwy/cache_control.h>

#include <bit>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compression/sparse/select_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
#include <hwy/highway.h>

// Kept elements are moved to the front of a register and stored whole, so that there is one branch
// per register and none per element.

HWY_BEFORE_NAMESPACE();
namespace spillway::compression::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using Bits = hn::RebindToUnsigned<Floats>;
using Indices = hn::RebindToSigned<Floats>;

constexpr std::uint32_t kMagnitude = 0x7FFFFFFF;
constexpr std::int64_t kAhead = 512;  // elements that a load is announced before it happens

HWY_INLINE std::int64_t lanes() { return static_cast<std::int64_t>(hn::Lanes(Floats())); }

/// Signed integers: every instruction set compares them, and no magnitude has the top bit.
HWY_INLINE hn::Vec<Indices> magnitude(hn::Vec<Floats> value) {
  const Indices tag;
  return hn::And(hn::BitCast(tag, value), hn::Set(tag, static_cast<std::int32_t>(kMagnitude)));
}

HWY_INLINE std::uint32_t magnitude(float value) {
  return std::bit_cast<std::uint32_t>(value) & kMagnitude;
}

/// What a magnitude must exceed to have at least the bits `least`.
HWY_INLINE hn::Vec<Indices> below(std::uint32_t least) {
  return hn::Set(Indices(), static_cast<std::int32_t>(least - 1));
}

std::int64_t collect(const float* values, std::int64_t begin, std::int64_t end, std::uint32_t least,
                     std::int32_t* indices, float* kept) {
  const Floats tag;
  const Indices index_tag;
  const auto bound = below(least), steps = hn::Iota(index_tag, 0);
  std::int64_t number = 0, i = begin;
  for (; i + lanes() <= end; i += lanes()) {
    hwy::Prefetch(values + i + kAhead);
    const auto value = hn::LoadU(tag, values + i);
    const auto reaches = hn::Gt(magnitude(value), bound);
    if (hn::AllFalse(index_tag, reaches)) continue;
    const auto place = hn::Add(steps, hn::Set(index_tag, static_cast<std::int32_t>(i)));
    hn::StoreU(hn::Compress(place, reaches), index_tag, indices + number);
    hn::StoreU(hn::Compress(value, hn::RebindMask(tag, reaches)), tag, kept + number);
    number += static_cast<std::int64_t>(hn::CountTrue(index_tag, reaches));
  }
  for (; i < end; ++i) {
    if (magnitude(values[i]) < least) continue;
    indices[number] = static_cast<std::int32_t>(i);
    kept[number++] = values[i];
  }
  return number;
}

std::int64_t keep(const Pairs& from, std::int64_t begin, std::int64_t end, std::uint32_t least,
                  const Pairs& to, std::int64_t room) {
  const Floats tag;
  const Indices index_tag;
  const auto bound = below(least);
  std::int64_t number = 0, i = begin;
  for (; i + lanes() <= end && number + lanes() <= room; i += lanes()) {
    const auto value = hn::LoadU(tag, from.values + i);
    const auto place = hn::LoadU(index_tag, from.indices + i);
    const auto kept = hn::Gt(magnitude(value), bound);
    hn::StoreU(hn::Compress(place, kept), index_tag, to.indices + number);
    hn::StoreU(hn::Compress(value, hn::RebindMask(tag, kept)), tag, to.values + number);
    number += static_cast<std::int64_t>(hn::CountTrue(index_tag, kept));
  }
  for (; i < end; ++i) {
    if (magnitude(from.values[i]) < least) continue;
    to.indices[number] = from.indices[i];
    to.values[number++] = from.values[i];
  }
  return number;
}

Counts count(const float* values, std::int64_t n, std::uint32_t low, std::uint32_t high) {
  const Floats tag;
  const Indices index_tag;
  const auto most = hn::Set(index_tag, static_cast<std::int32_t>(high)), high_bound = below(high);
  const auto least = hn::Set(index_tag, static_cast<std::int32_t>(low)), low_bound = below(low);
  Counts counts;
  const auto add = [&](std::int64_t& to, auto mask) {
    to += static_cast<std::int64_t>(hn::CountTrue(index_tag, mask));
  };
  std::int64_t i = 0;
  for (; i + lanes() <= n; i += lanes()) {
    const auto size = magnitude(hn::LoadU(tag, values + i));
    add(counts.above_high, hn::Gt(size, most));
    add(counts.from_high, hn::Gt(size, high_bound));
    add(counts.above_low, hn::Gt(size, least));
    add(counts.from_low, hn::Gt(size, low_bound));
  }
  for (; i < n; ++i) {
    const std::uint32_t size = magnitude(values[i]);
    counts.above_high += size > high;
    counts.from_high += size >= high;
    counts.above_low += size > low;
    counts.from_low += size >= low;
  }
  return counts;
}

std::int64_t extract(const float* values, std::int64_t n, std::uint32_t least, std::uint32_t most,
                     float* out) {
  const Floats tag;
  const Indices index_tag;
  const auto low = below(least), high = hn::Set(index_tag, static_cast<std::int32_t>(most));
  std::int64_t number = 0, i = 0;
  for (; i + lanes() <= n; i += lanes()) {
    const auto value = hn::LoadU(tag, values + i);
    const auto size = magnitude(value);
    const auto between = hn::AndNot(hn::Gt(size, high), hn::Gt(size, low));
    hn::StoreU(hn::Compress(value, hn::RebindMask(tag, between)), tag, out + number);
    number += static_cast<std::int64_t>(hn::CountTrue(index_tag, between));
  }
  for (; i < n; ++i) {
    const std::uint32_t size = magnitude(values[i]);
    if (size >= least && size <= most) out[number++] = values[i];
  }
  return number;
}

std::int64_t behind_equal(const float* values, std::int64_t n, std::uint32_t bits,
                          std::int64_t wanted) {
  const Floats tag;
  const Indices index_tag;
  const auto searched = hn::Set(index_tag, static_cast<std::int32_t>(bits));
  std::int64_t i = 0;
  for (; i + lanes() <= n; i += lanes()) {
    const auto equal = hn::Eq(magnitude(hn::LoadU(tag, values + i)), searched);
    const auto found = static_cast<std::int64_t>(hn::CountTrue(index_tag, equal));
    if (found >= wanted) break;
    wanted -= found;
  }
  for (; i < n && wanted > 0; ++i) wanted -= magnitude(values[i]) == bits;
  return i;
}

}  // namespace HWY_NAMESPACE
}  // namespace spillway::compression::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spillway::compression::kernels {

HWY_EXPORT(collect);
HWY_EXPORT(keep);
HWY_EXPORT(count);
HWY_EXPORT(extract);
HWY_EXPORT(behind_equal);

std::int64_t collect(const float* values, std::int64_t begin, std::int64_t end, std::uint32_t least,
                     std::int32_t* indices, float* kept) {
  return HWY_DYNAMIC_DISPATCH(collect)(values, begin, end, least, indices, kept);
}

std::int64_t keep(const Pairs& from, std::int64_t begin, std::int64_t end, std::uint32_t least,
                  const Pairs& to, std::int64_t room) {
  return HWY_DYNAMIC_DISPATCH(keep)(from, begin, end, least, to, room);
}

Counts count(const float* values, std::int64_t n, std::uint32_t low, std::uint32_t high) {
  return HWY_DYNAMIC_DISPATCH(count)(values, n, low, high);
}

std::int64_t extract(const float* values, std::int64_t n, std::uint32_t least, std::uint32_t most,
                     float* out) {
  return HWY_DYNAMIC_DISPATCH(extract)(values, n, least, most, out);
}

std::int64_t behind_equal(const float* values, std::int64_t n, std::uint32_t bits,
                          std::int64_t wanted) {
  return HWY_DYNAMIC_DISPATCH(behind_equal)(values, n, bits, wanted);
}

}  // namespace spillway::compression::kernels
#endif
