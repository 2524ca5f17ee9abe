#include "compression/quantize/quantize_kernels.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

#include "compression/quantize/quantize.hpp"
#include "compression/quantize/sign.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compression/quantize/quantize_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
#include <hwy/highway.h>

// A group's codes meet in a small array of one byte an element; from there they are packed. The
// packing loops are plain: the compiler turns them into vectors.

HWY_BEFORE_NAMESPACE();
namespace spillway::compression::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using Integers = hn::RebindToSigned<Floats>;
using Words = hn::RebindToUnsigned<Floats>;
using Codes = hn::Rebind<std::int8_t, Floats>;

constexpr std::int64_t kMargin = 64;  // a register's codes behind the last of a group

HWY_INLINE std::int64_t lanes() { return static_cast<std::int64_t>(hn::Lanes(Floats())); }

/// The first `count` values at `from`, zeros behind; all of them when count covers a vector.
/// Touches nothing else, which masked operations do where the hardware has none.
HWY_INLINE hn::Vec<Floats> load(const float* from, std::int64_t count) {
  const Floats tag;
  if (count >= lanes()) return hn::LoadU(tag, from);
  float part[HWY_MAX_BYTES / 4] = {};
  std::copy(from, from + count, part);
  return hn::LoadU(tag, part);
}

/// Values [count] = codes * step, or with Add += that.
template <bool Add>
HWY_INLINE void expand(const std::int8_t* codes, std::int64_t count, float step, float* values) {
  const Floats tag;
  const auto steps = hn::Set(tag, step);
  std::int64_t i = 0;
  for (; i + lanes() <= count; i += lanes()) {
    const auto code = hn::PromoteTo(Integers(), hn::LoadU(Codes(), codes + i));
    const auto value = hn::Mul(hn::ConvertTo(tag, code), steps);
    hn::StoreU(Add ? hn::Add(hn::LoadU(tag, values + i), value) : value, tag, values + i);
  }
  for (; i < count; ++i) {
    const float value = static_cast<float>(codes[i]) * step;
    values[i] = Add ? values[i] + value : value;
  }
}

/// The largest magnitude; nan when one is not finite. Compared as integers, where a nan is large.
HWY_INLINE float largest(const float* values, std::int64_t count) {
  const Integers tag;
  const auto magnitude = hn::Set(tag, std::numeric_limits<std::int32_t>::max());
  auto most = hn::Zero(tag);
  for (std::int64_t i = 0; i < count; i += lanes())
    most = hn::Max(most, hn::And(hn::BitCast(tag, load(values + i, count - i)), magnitude));
  const auto found = std::bit_cast<float>(hn::GetLane(hn::MaxOfLanes(tag, most)));
  return std::isfinite(found) ? found : std::numeric_limits<float>::quiet_NaN();
}

/// A mixer of 32 bits whose every output bit depends on every input bit (Wellons 2018, lowbias32).
HWY_INLINE hn::Vec<Words> mix(hn::Vec<Words> x) {
  const Words tag;
  x = hn::Mul(hn::Xor(x, hn::ShiftRight<16>(x)), hn::Set(tag, 0x7FEB352D));
  x = hn::Mul(hn::Xor(x, hn::ShiftRight<15>(x)), hn::Set(tag, 0x846CA68B));
  return hn::Xor(x, hn::ShiftRight<16>(x));
}

/// Keys of the random numbers whose index has the upper half `high`: splitmix64.
HWY_INLINE std::uint64_t key(std::uint64_t seed, std::uint64_t high) {
  std::uint64_t z = seed + (high + 1) * 0x9E3779B97F4A7C15ULL;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

/// Codes of values [count] with the largest magnitude `scale`; levels 127 or 7.
HWY_INLINE void round_group(const float* values, std::int64_t count, float scale, float levels,
                            std::uint64_t seed, std::uint64_t first, std::int8_t* codes) {
  const Floats tag;
  const Integers integer_tag;
  const Words word_tag;
  const std::uint64_t keys = key(seed, first >> 32);
  const auto low_key = hn::Set(word_tag, static_cast<std::uint32_t>(keys));
  const auto high_key = hn::Set(word_tag, static_cast<std::uint32_t>(keys >> 32));
  const auto start = hn::Iota(word_tag, static_cast<std::uint32_t>(first));
  for (std::int64_t i = 0; i < count; i += lanes()) {
    const auto value = load(values + i, count - i);
    // The quotient first: it is at most 1 and overflows for no scale.
    const auto exact = hn::Mul(hn::Div(hn::Abs(value), hn::Set(tag, scale)), hn::Set(tag, levels));
    const auto whole = hn::ConvertTo(integer_tag, exact);
    const auto share = hn::Sub(exact, hn::ConvertTo(tag, whole));
    const auto index = hn::Add(start, hn::Set(word_tag, static_cast<std::uint32_t>(i)));
    const auto random = hn::ShiftRight<8>(mix(hn::Add(mix(hn::Xor(index, low_key)), high_key)));
    const auto drawn = hn::Mul(hn::ConvertTo(tag, hn::BitCast(integer_tag, random)),
                               hn::Set(tag, 0x1p-24F));  // [0, 1)
    const auto up = hn::VecFromMask(integer_tag, hn::RebindMask(integer_tag, drawn < share));
    const auto code = hn::Sub(whole, up);
    const auto negative = hn::RebindMask(integer_tag, hn::Lt(value, hn::Zero(tag)));
    hn::StoreU(hn::DemoteTo(Codes(), hn::IfThenElse(negative, hn::Neg(code), code)), Codes(),
               codes + i);
  }
}

HWY_INLINE float levels_of(int bits) { return bits == 8 ? 127.0F : 7.0F; }

void quantize(const float* values, const Quantized& to, std::uint64_t seed, std::uint64_t first) {
  std::int8_t codes[kQuantizedGroup + kMargin];
  std::uint8_t* out = to.codes;
  for (std::int64_t begin = 0; begin < to.n; begin += kQuantizedGroup) {
    const std::int64_t count = std::min(kQuantizedGroup, to.n - begin), half = (count + 1) / 2;
    const float scale = largest(values + begin, count);
    to.scales[begin / kQuantizedGroup] = scale;
    if (scale > 0) {
      round_group(values + begin, count, scale, levels_of(to.bits), seed,
                  first + static_cast<std::uint64_t>(begin), codes);
    } else {
      std::fill(codes, codes + count, std::int8_t{0});  // all zeros, or not finite
    }
    if (to.bits == 8) {
      std::memcpy(out, codes, static_cast<std::size_t>(count));
      out += count;
      continue;
    }
    codes[count] = 0;  // the partner of the last one, if their number is odd
    for (std::int64_t j = 0; j < half; ++j)
      out[j] = static_cast<std::uint8_t>((codes[j] & 15) | ((codes[half + j] & 15) << 4));
    out += half;
  }
}

template <bool Add>
HWY_INLINE void dequantize_into(const Quantized& from, float* values) {
  std::int8_t codes[kQuantizedGroup];
  const std::uint8_t* in = from.codes;
  for (std::int64_t begin = 0; begin < from.n; begin += kQuantizedGroup) {
    const std::int64_t count = std::min(kQuantizedGroup, from.n - begin), half = (count + 1) / 2;
    if (from.bits == 8) {
      std::memcpy(codes, in, static_cast<std::size_t>(count));
      in += count;
    } else {
      for (std::int64_t j = 0; j < half; ++j) {  // the upper half of a byte comes with its sign
        codes[j] = static_cast<std::int8_t>(static_cast<std::int8_t>(in[j] << 4) >> 4);
        codes[half + j] = static_cast<std::int8_t>(static_cast<std::int8_t>(in[j]) >> 4);
      }
      in += half;
    }
    const float step = from.scales[begin / kQuantizedGroup] / levels_of(from.bits);
    expand<Add>(codes, count, step, values + begin);
  }
}

void dequantize(const Quantized& from, float* values) { dequantize_into<false>(from, values); }

void dequantize_add(const Quantized& from, float* values) { dequantize_into<true>(from, values); }

/// ||x||_1 / number of nonzeros: 0 for zeros only, nan when one is not finite. Summed in 32 lanes
/// on every instruction set.
HWY_INLINE float mean_magnitude(const float* values, std::int64_t count) {
  constexpr std::int64_t kLanes = 32;
  double sums[kLanes] = {};
  std::int32_t used[kLanes] = {};
  std::int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const float value = values[i + lane];
      sums[lane] += static_cast<double>(std::abs(value));
      used[lane] += value != 0.0F ? 1 : 0;
    }
  }
  for (; i < count; ++i) {
    sums[i % kLanes] += static_cast<double>(std::abs(values[i]));
    used[i % kLanes] += values[i] != 0.0F ? 1 : 0;
  }
  for (std::int64_t width = kLanes / 2; width > 0; width /= 2) {
    for (std::int64_t lane = 0; lane < width; ++lane) {
      sums[lane] += sums[lane + width];
      used[lane] += used[lane + width];
    }
  }
  if (!std::isfinite(sums[0])) return std::numeric_limits<float>::quiet_NaN();
  return used[0] == 0 ? 0 : static_cast<float>(sums[0] / used[0]);
}

void pack_signs(const float* values, const Quantized& to) {
  std::uint8_t codes[kSignGroup + 4];
  std::uint8_t* out = to.codes;
  for (std::int64_t begin = 0; begin < to.n; begin += kSignGroup) {
    const std::int64_t count = std::min(kSignGroup, to.n - begin), quarter = (count + 3) / 4;
    to.scales[begin / kSignGroup] = mean_magnitude(values + begin, count);
    for (std::int64_t i = 0; i < count; ++i) {
      const float value = values[begin + i];
      codes[i] = static_cast<std::uint8_t>((value > 0 ? 1 : 0) | (value < 0 ? 3 : 0));
    }
    std::fill(codes + count, codes + 4 * quarter, std::uint8_t{0});
    for (std::int64_t j = 0; j < quarter; ++j) {
      out[j] = static_cast<std::uint8_t>(codes[j] | codes[quarter + j] << 2 |
                                         codes[2 * quarter + j] << 4 | codes[3 * quarter + j] << 6);
    }
    out += quarter;
  }
}

template <bool Add>
HWY_INLINE void unpack_into(const Quantized& from, float* values) {
  std::int8_t codes[kSignGroup + 4];
  const std::uint8_t* in = from.codes;
  for (std::int64_t begin = 0; begin < from.n; begin += kSignGroup) {
    const std::int64_t count = std::min(kSignGroup, from.n - begin), quarter = (count + 3) / 4;
    for (std::int64_t part = 0; part < 4; ++part) {
      std::int8_t* code = codes + part * quarter;
      for (std::int64_t j = 0; j < quarter; ++j)  // two bits with their sign: -1, 0, 1
        code[j] = static_cast<std::int8_t>(static_cast<std::int8_t>(in[j] << (6 - 2 * part)) >> 6);
    }
    in += quarter;
    expand<Add>(codes, count, from.scales[begin / kSignGroup], values + begin);
  }
}

void unpack_signs(const Quantized& from, float* values) { unpack_into<false>(from, values); }

void unpack_signs_add(const Quantized& from, float* values) { unpack_into<true>(from, values); }

}  // namespace HWY_NAMESPACE
}  // namespace spillway::compression::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spillway::compression::kernels {

HWY_EXPORT(quantize);
HWY_EXPORT(dequantize);
HWY_EXPORT(dequantize_add);
HWY_EXPORT(pack_signs);
HWY_EXPORT(unpack_signs);
HWY_EXPORT(unpack_signs_add);

void quantize(const float* values, const Quantized& to, std::uint64_t seed, std::uint64_t first) {
  HWY_DYNAMIC_DISPATCH(quantize)(values, to, seed, first);
}

void dequantize(const Quantized& from, float* values) {
  HWY_DYNAMIC_DISPATCH(dequantize)(from, values);
}

void dequantize_add(const Quantized& from, float* values) {
  HWY_DYNAMIC_DISPATCH(dequantize_add)(from, values);
}

void pack_signs(const float* values, const Quantized& to) {
  HWY_DYNAMIC_DISPATCH(pack_signs)(values, to);
}

void unpack_signs(const Quantized& from, float* values) {
  HWY_DYNAMIC_DISPATCH(unpack_signs)(from, values);
}

void unpack_signs_add(const Quantized& from, float* values) {
  HWY_DYNAMIC_DISPATCH(unpack_signs_add)(from, values);
}

}  // namespace spillway::compression::kernels
#endif
