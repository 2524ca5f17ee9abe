#include "compression/sparse/select_kernels.hpp"

#include <algorithm>
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
  const auto bound = below(least);
  std::int64_t number = 0, i = begin;
  for (; i + 2 * lanes() <= end; i += 2 * lanes()) {
    const auto first = hn::LoadU(tag, values + i), second = hn::LoadU(tag, values + i + lanes());
    const auto first_kept = hn::Gt(magnitude(first), bound);
    const auto second_kept = hn::Gt(magnitude(second), bound);
    if (hn::AllFalse(index_tag, hn::Or(first_kept, second_kept))) continue;
    const auto place = hn::Iota(index_tag, static_cast<std::int32_t>(i));
    hn::StoreU(hn::Compress(place, first_kept), index_tag, indices + number);
    hn::StoreU(hn::Compress(first, hn::RebindMask(tag, first_kept)), tag, kept + number);
    number += static_cast<std::int64_t>(hn::CountTrue(index_tag, first_kept));
    const auto next = hn::Add(place, hn::Set(index_tag, static_cast<std::int32_t>(lanes())));
    hn::StoreU(hn::Compress(next, second_kept), index_tag, indices + number);
    hn::StoreU(hn::Compress(second, hn::RebindMask(tag, second_kept)), tag, kept + number);
    number += static_cast<std::int64_t>(hn::CountTrue(index_tag, second_kept));
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

Counts count(const float* values, std::int64_t n, std::uint32_t bound) {
  const Floats tag;
  const Indices index_tag;
  const auto limit = hn::Set(index_tag, static_cast<std::int32_t>(bound)), least = below(bound);
  Counts counts;
  std::int64_t i = 0;
  for (; i + lanes() <= n; i += lanes()) {
    const auto size = magnitude(hn::LoadU(tag, values + i));
    counts.above += static_cast<std::int64_t>(hn::CountTrue(index_tag, hn::Gt(size, limit)));
    counts.at_least += static_cast<std::int64_t>(hn::CountTrue(index_tag, hn::Gt(size, least)));
  }
  for (; i < n; ++i) {
    counts.above += magnitude(values[i]) > bound;
    counts.at_least += magnitude(values[i]) >= bound;
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

Counts count(const float* values, std::int64_t n, std::uint32_t bound) {
  return HWY_DYNAMIC_DISPATCH(count)(values, n, bound);
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
