#include "trainer/kernels/norm_rows.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "trainer/kernels/norm_rows.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace spillway::trainer::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using Words = hn::RebindToUnsigned<Floats>;
using Signed = hn::RebindToSigned<Floats>;
using Halves = hn::Rebind<std::uint16_t, Floats>;
using Vector = hn::Vec<Floats>;
using Bf16 = std::uint16_t;  // the bits of one

constexpr Floats kFloats;
HWY_INLINE std::int64_t lanes() { return static_cast<std::int64_t>(hn::Lanes(kFloats)); }

HWY_INLINE Vector load_full(const float* from) { return hn::LoadU(kFloats, from); }

HWY_INLINE Vector load_full(const Bf16* from) {
  const auto words = hn::PromoteTo(Words(), hn::LoadU(Halves(), from));
  return hn::BitCast(kFloats, hn::ShiftLeft<16>(words));
}

HWY_INLINE void store_full(Vector value, float* to) { hn::StoreU(value, kFloats, to); }

/// Nearest, ties to even; a NaN keeps its upper bits and becomes quiet.
HWY_INLINE void store_full(Vector value, Bf16* to) {
  const auto bits = hn::BitCast(Words(), value);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(Words(), 1));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(Words(), 0x7fff)));
  const auto quiet = hn::Or(bits, hn::Set(Words(), 0x400000));
  const auto is_nan = hn::RebindMask(Words(), hn::IsNaN(value));
  const auto upper = hn::ShiftRight<16>(hn::IfThenElse(is_nan, quiet, rounded));
  hn::StoreU(hn::DemoteTo(Halves(), hn::BitCast(Signed(), upper)), Halves(), to);
}

/// The first `count` values, zeros behind; all of them when count covers a vector.
template <class T>
HWY_INLINE Vector load(const T* from, std::int64_t count) {
  if (count >= lanes()) return load_full(from);
  T buffer[hn::MaxLanes(kFloats)] = {};
  std::memcpy(buffer, from, static_cast<std::size_t>(count) * sizeof(T));
  return load_full(buffer);
}

template <class T>
HWY_INLINE void store(Vector value, T* to, std::int64_t count) {
  if (count >= lanes()) return store_full(value, to);
  T buffer[hn::MaxLanes(kFloats)];
  store_full(value, buffer);
  std::memcpy(to, buffer, static_cast<std::size_t>(count) * sizeof(T));
}

/// `value` with zeros from lane `count` on.
HWY_INLINE Vector keep(Vector value, std::int64_t count) {
  if (count >= lanes()) return value;
  return hn::IfThenElseZero(hn::FirstN(kFloats, static_cast<std::size_t>(count)), value);
}

HWY_INLINE float total(Vector sum) { return hn::GetLane(hn::SumOfLanes(kFloats, sum)); }

template <class T>
HWY_INLINE float mean_of(const T* x, std::int64_t width) {
  Vector sum = hn::Zero(kFloats);
  for (std::int64_t j = 0; j < width; j += lanes()) sum = hn::Add(sum, load(x + j, width - j));
  return total(sum) / static_cast<float>(width);
}

/// Mean of the squares of x - mean: two passes, never E[x^2] - E[x]^2.
template <class T>
HWY_INLINE float variance_of(const T* x, std::int64_t width, float mean) {
  const Vector centre = hn::Set(kFloats, mean);
  Vector sum = hn::Zero(kFloats);
  for (std::int64_t j = 0; j < width; j += lanes()) {
    const Vector distance = keep(hn::Sub(load(x + j, width - j), centre), width - j);
    sum = hn::MulAdd(distance, distance, sum);
  }
  return total(sum) / static_cast<float>(width);
}

template <class T>
void forward(const NormRows& rows, float epsilon, T* y, std::int64_t begin, std::int64_t end) {
  const std::int64_t width = rows.width;
  for (std::int64_t row = begin; row < end; ++row) {
    const T* x = static_cast<const T*>(rows.x) + row * width;
    const float mean = rows.bias != nullptr ? mean_of(x, width) : 0.0F;
    const float scale = 1.0F / std::sqrt(variance_of(x, width, mean) + epsilon);
    if (rows.bias != nullptr) rows.mean[row] = mean;
    rows.scale[row] = scale;
    const Vector centre = hn::Set(kFloats, mean);
    const Vector factor = hn::Set(kFloats, scale);
    for (std::int64_t j = 0; j < width; j += lanes()) {
      const std::int64_t count = width - j;
      const Vector normal = hn::Mul(hn::Sub(load(x + j, count), centre), factor);
      Vector result = hn::Mul(normal, load(rows.gain + j, count));
      if (rows.bias != nullptr) result = hn::Add(result, load(rows.bias + j, count));
      store(result, y + row * width + j, count);
    }
  }
}

/// A row of the backward pass: x and dy, and what the forward pass found.
template <class T>
struct Row {
  const T* x;
  const T* dy;
  const float* gain;
  float mean, scale;

  HWY_INLINE Vector normal(std::int64_t j, std::int64_t count) const {
    const Vector distance = hn::Sub(load(x + j, count), hn::Set(kFloats, mean));
    return keep(hn::Mul(distance, hn::Set(kFloats, scale)), count);
  }
};

HWY_INLINE void add_to(float* sums, Vector value, std::int64_t count) {
  store(hn::Add(load(sums, count), value), sums, count);
}

template <class T>
void backward(const NormRows& rows, const T* dy, T* dx, float* gain_gradient, float* bias_gradient,
              std::int64_t begin, std::int64_t end) {
  const std::int64_t width = rows.width;
  const bool centred = rows.bias != nullptr;
  for (std::int64_t r = begin; r < end; ++r) {
    const Row<T> row{static_cast<const T*>(rows.x) + r * width, dy + r * width, rows.gain,
                     centred ? rows.mean[r] : 0.0F, rows.scale[r]};
    Vector sum = hn::Zero(kFloats);
    Vector product = hn::Zero(kFloats);
    for (std::int64_t j = 0; j < width; j += lanes()) {
      const std::int64_t count = width - j;
      const Vector slope = load(row.dy + j, count);
      const Vector normal = row.normal(j, count);
      const Vector weighted = hn::Mul(slope, load(row.gain + j, count));
      sum = hn::Add(sum, weighted);
      product = hn::MulAdd(weighted, normal, product);
      add_to(gain_gradient + j, hn::Mul(slope, normal), count);
      if (bias_gradient != nullptr) add_to(bias_gradient + j, slope, count);
    }
    const auto share = 1.0F / static_cast<float>(width);
    const Vector mean_slope = hn::Set(kFloats, centred ? total(sum) * share : 0.0F);
    const Vector mean_product = hn::Set(kFloats, total(product) * share);
    for (std::int64_t j = 0; j < width; j += lanes()) {
      const std::int64_t count = width - j;
      const Vector weighted = hn::Mul(load(row.dy + j, count), load(row.gain + j, count));
      const Vector removed = hn::MulAdd(row.normal(j, count), mean_product, mean_slope);
      const Vector result = hn::Mul(hn::Sub(weighted, removed), hn::Set(kFloats, row.scale));
      store(result, dx + r * width + j, count);
    }
  }
}

void norm_forward(const NormRows& rows, float epsilon, void* y, std::int64_t begin,
                  std::int64_t end) {
  if (rows.bf16) {
    forward(rows, epsilon, static_cast<Bf16*>(y), begin, end);
  } else {
    forward(rows, epsilon, static_cast<float*>(y), begin, end);
  }
}

void norm_backward(const NormRows& rows, const void* dy, void* dx, float* gain_gradient,
                   float* bias_gradient, std::int64_t begin, std::int64_t end) {
  if (rows.bf16) {
    backward(rows, static_cast<const Bf16*>(dy), static_cast<Bf16*>(dx), gain_gradient,
             bias_gradient, begin, end);
  } else {
    backward(rows, static_cast<const float*>(dy), static_cast<float*>(dx), gain_gradient,
             bias_gradient, begin, end);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace spillway::trainer::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spillway::trainer::kernels {

HWY_EXPORT(norm_forward);
HWY_EXPORT(norm_backward);

void norm_forward(const NormRows& rows, float epsilon, void* y, std::int64_t begin,
                  std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(norm_forward)(rows, epsilon, y, begin, end);
}

void norm_backward(const NormRows& rows, const void* dy, void* dx, float* gain_gradient,
                   float* bias_gradient, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(norm_backward)(rows, dy, dx, gain_gradient, bias_gradient, begin, end);
}

}  // namespace spillway::trainer::kernels
#endif
