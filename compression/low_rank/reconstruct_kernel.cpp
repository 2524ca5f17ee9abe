#include <hwy/cache_control.h>

#include <algorithm>
#include <cstdint>

#include "compression/low_rank/skinny_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compression/low_rank/reconstruct_kernel.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set

#include "compression/low_rank/skinny_registers-inl.hpp"

// Both products share the weights and one pass over the gradient. The factors of a strip of columns
// are packed, so that they are read in order from the second cache; the error is written past the
// caches where its rows allow it.

HWY_BEFORE_NAMESPACE();
namespace spillway::compression::kernels {
namespace HWY_NAMESPACE {

constexpr int kRows = kManyRegisters ? 6 : 2;  // of the gradient in registers
constexpr int kStrip = 2;                      // vectors of a strip

/// Packed factors of the block: for each strip and rank kStrip vectors of q, then of own.
HWY_INLINE void pack(const Operands& o, std::int64_t first, std::int64_t last, float* packed) {
  for (std::int64_t j = first; j < last; j += kStrip * lanes()) {
    for (std::int64_t k = 0; k < o.rank; ++k) {
      for (const float* factor : {static_cast<const float*>(o.q), o.own}) {
        const float* from = factor + k * o.columns + j;
        for (std::int64_t c = 0; c < kStrip * lanes(); ++c)
          packed[c] = j + c < last ? from[c] : 0.0F;
        packed += kStrip * lanes();
      }
    }
  }
}

/// R rows of a gradient and their packed weights [rank][R].
struct RowGroup {
  std::int64_t row = 0;
  const float* weights = nullptr;
};

/// One strip of R rows, `count` columns of it; `squares` += those of the error.
template <int R, bool Stream>
HWY_INLINE void strip(const Operands& o, const RowGroup& group, std::int64_t j, std::int64_t count,
                      const float* packed, Vector& squares) {
  const Floats tag;
  Vector sent[R][kStrip], kept[R][kStrip];
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < kStrip; ++v) {
      sent[r][v] = hn::Zero(tag);
      kept[r][v] = load(o.grad + (group.row + r) * o.columns + j + v * lanes(),
                        std::max<std::int64_t>(count - v * lanes(), 0));
      hwy::Prefetch(o.grad + (group.row + R + r) * o.columns + j + v * lanes());
    }
  }
  const float* weights = group.weights;
  for (std::int64_t k = 0; k < o.rank; ++k, weights += R) {
    Vector mean[kStrip], own[kStrip];
    for (int v = 0; v < kStrip; ++v) {
      mean[v] = hn::LoadU(tag, packed + v * lanes());
      own[v] = hn::LoadU(tag, packed + (std::int64_t{kStrip} + v) * lanes());
    }
    packed += std::int64_t{2} * kStrip * lanes();
    for (int r = 0; r < R; ++r) {
      const Vector weight = hn::Set(tag, weights[r]);
      for (int v = 0; v < kStrip; ++v) {
        sent[r][v] = hn::MulAdd(weight, mean[v], sent[r][v]);
        kept[r][v] = hn::NegMulAdd(weight, own[v], kept[r][v]);
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < kStrip; ++v) {
      const std::int64_t at = (group.row + r) * o.columns + j + v * lanes();
      const std::int64_t left = count - v * lanes();
      if (left <= 0) break;
      store(sent[r][v], o.grad + at, left);
      if (o.error == nullptr) continue;
      if (Stream) {
        hn::Stream(kept[r][v], tag, o.error + at);
      } else {
        store(kept[r][v], o.error + at, left);
      }
      squares = hn::MulAdd(kept[r][v], kept[r][v], squares);
    }
  }
}

/// Columns [first, last) of R rows; returns the sum of squares of their error.
template <int R, bool Stream>
HWY_INLINE double row_group(const Operands& o, std::int64_t row, std::int64_t first,
                            std::int64_t last, const float* packed) {
  float weights[kMaxRank * R];
  for (std::int64_t k = 0; k < o.rank; ++k) {
    const float* p = o.p + k * o.rows + row;
    for (int r = 0; r < R; ++r) weights[k * R + r] = p[r];
    hwy::Prefetch(p + R);
  }
  const Floats tag;
  Vector squares = hn::Zero(tag);
  const std::int64_t width = kStrip * lanes();
  std::int64_t j = first;
  for (; j + width <= last; j += width, packed += 2 * width * o.rank)
    strip<R, Stream>(o, {row, weights}, j, width, packed, squares);
  if (j < last) strip<R, false>(o, {row, weights}, j, last - j, packed, squares);
  return static_cast<double>(hn::GetLane(hn::SumOfLanes(tag, squares)));
}

template <bool Stream>
HWY_INLINE double all_rows(const Operands& o, std::int64_t begin, std::int64_t end) {
  HWY_ALIGN float packed[2 * kMaxRank * kColumns];
  double squares = 0;
  for (std::int64_t first = 0; first < o.columns; first += kColumns) {
    const std::int64_t last = std::min(first + kColumns, o.columns);
    pack(o, first, last, packed);
    std::int64_t row = begin;
    for (; row + kRows <= end; row += kRows)
      squares += row_group<kRows, Stream>(o, row, first, last, packed);
    for (; row < end; ++row) squares += row_group<1, Stream>(o, row, first, last, packed);
  }
  return squares;
}

double reconstruct(const Operands& o, std::int64_t begin, std::int64_t end) {
  const bool aligned = reinterpret_cast<std::uintptr_t>(o.error) % (4 * kMostLanes) == 0;
  if (o.error == nullptr || !aligned || o.columns % kMostLanes != 0)
    return all_rows<false>(o, begin, end);
  const double squares = all_rows<true>(o, begin, end);
  hwy::FlushStream();
  return squares;
}

}  // namespace HWY_NAMESPACE
}  // namespace spillway::compression::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spillway::compression::kernels {

HWY_EXPORT(reconstruct);

double reconstruct(const Operands& operands, std::int64_t begin, std::int64_t end) {
  return HWY_DYNAMIC_DISPATCH(reconstruct)(operands, begin, end);
}

}  // namespace spillway::compression::kernels
#endif
