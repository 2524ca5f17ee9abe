#include "compression/low_rank/skinny_kernels.hpp"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compression/low_rank/skinny_kernels.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set
#include <hwy/highway.h>

// Four rows of the gradient and up to four rows of the factor meet in registers, so that each value
// loaded is used four times. Columns go in blocks, so that the factor's part stays in the first
// cache while the gradient streams past.

HWY_BEFORE_NAMESPACE();
namespace spillway::compression::kernels {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::ScalableTag<float>;
using Vector = hn::Vec<Floats>;

constexpr std::int64_t kRows = 4;        // of the gradient in registers
constexpr std::int64_t kRanks = 4;       // rows of the factor in registers
constexpr std::int64_t kColumns = 1024;  // of a block
constexpr std::int64_t kSumRows = 256;   // rows summed in float32 before they join the total
HWY_INLINE std::int64_t lanes() { return static_cast<std::int64_t>(hn::Lanes(Floats())); }

/// The first `count` values at `from`, zeros behind; all of them when count covers a vector.
HWY_INLINE Vector load(const float* from, std::int64_t count) {
  const Floats tag;
  if (count >= lanes()) return hn::LoadU(tag, from);
  return hn::MaskedLoad(hn::FirstN(tag, static_cast<std::size_t>(count)), tag, from);
}

HWY_INLINE void store(Vector value, float* to, std::int64_t count) {
  const Floats tag;
  if (count >= lanes()) {
    hn::StoreU(value, tag, to);
  } else {
    hn::BlendedStore(value, hn::FirstN(tag, static_cast<std::size_t>(count)), tag, to);
  }
}

/// p[k][row..] += sum over the columns of the block of grad[row..][j] q[k][j], for R rows and K
/// rows of the factor.
template <int R, int K>
HWY_INLINE void project_tile(const Operands& o, std::int64_t row, std::int64_t k,
                             std::int64_t first, std::int64_t last) {
  const Floats tag;
  Vector sums[R][K];
  for (auto& line : sums) {
    for (Vector& sum : line) sum = hn::Zero(tag);
  }
  for (std::int64_t j = first; j < last; j += lanes()) {
    Vector grad[R];
    for (int r = 0; r < R; ++r) grad[r] = load(o.grad + (row + r) * o.columns + j, last - j);
    for (int c = 0; c < K; ++c) {
      const Vector factor = load(o.q + (k + c) * o.columns + j, last - j);
      for (int r = 0; r < R; ++r) sums[r][c] = hn::MulAdd(grad[r], factor, sums[r][c]);
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < K; ++c)
      o.p[(k + c) * o.rows + row + r] += hn::GetLane(hn::SumOfLanes(tag, sums[r][c]));
  }
}

template <int R>
HWY_INLINE void project_rows(const Operands& o, std::int64_t row, std::int64_t first,
                             std::int64_t last) {
  if (o.error != nullptr) {
    for (int r = 0; r < R; ++r) {
      float* grad = o.grad + (row + r) * o.columns;
      const float* error = o.error + (row + r) * o.columns;
      for (std::int64_t j = first; j < last; j += lanes()) {
        store(hn::Add(load(grad + j, last - j), load(error + j, last - j)), grad + j, last - j);
      }
    }
  }
  std::int64_t k = 0;
  for (; k + kRanks <= o.rank; k += kRanks) project_tile<R, kRanks>(o, row, k, first, last);
  for (; k + 2 <= o.rank; k += 2) project_tile<R, 2>(o, row, k, first, last);
  for (; k < o.rank; ++k) project_tile<R, 1>(o, row, k, first, last);
}

void project(const Operands& o, std::int64_t begin, std::int64_t end) {
  for (std::int64_t k = 0; k < o.rank; ++k)
    std::fill(o.p + k * o.rows + begin, o.p + k * o.rows + end, 0.0F);
  for (std::int64_t first = 0; first < o.columns; first += kColumns) {
    const std::int64_t last = std::min(first + kColumns, o.columns);
    std::int64_t row = begin;
    for (; row + kRows <= end; row += kRows) project_rows<kRows>(o, row, first, last);
    for (; row < end; ++row) project_rows<1>(o, row, first, last);
  }
}

/// sums[c][j] += sum over R rows of p[k + c][row..] grad[row..][j], for K rows of the factor;
/// `sums` has stride kColumns.
template <int R, int K>
HWY_INLINE void transposed_tile(const Operands& o, std::int64_t row, std::int64_t k,
                                std::int64_t first, std::int64_t last, float* sums) {
  const Floats tag;
  Vector weights[R][K];
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < K; ++c) weights[r][c] = hn::Set(tag, o.p[(k + c) * o.rows + row + r]);
  }
  for (std::int64_t j = first; j < last; j += lanes()) {
    Vector grad[R];
    for (int r = 0; r < R; ++r) grad[r] = load(o.grad + (row + r) * o.columns + j, last - j);
    for (int c = 0; c < K; ++c) {
      float* to = sums + c * kColumns + (j - first);
      Vector sum = load(to, last - j);
      for (int r = 0; r < R; ++r) sum = hn::MulAdd(weights[r][c], grad[r], sum);
      store(sum, to, last - j);
    }
  }
}

template <int R>
HWY_INLINE void transposed_rows(const Operands& o, std::int64_t row, std::int64_t first,
                                std::int64_t last, float* sums) {
  std::int64_t k = 0;
  for (; k + kRanks <= o.rank; k += kRanks) {
    transposed_tile<R, kRanks>(o, row, k, first, last, sums + k * kColumns);
  }
  for (; k + 2 <= o.rank; k += 2)
    transposed_tile<R, 2>(o, row, k, first, last, sums + k * kColumns);
  for (; k < o.rank; ++k) transposed_tile<R, 1>(o, row, k, first, last, sums + k * kColumns);
}

void project_transposed(const Operands& o, std::int64_t begin, std::int64_t end) {
  float sums[kMaxRank * kColumns];
  for (std::int64_t first = begin; first < end; first += kColumns) {
    const std::int64_t last = std::min(first + kColumns, end);
    for (std::int64_t k = 0; k < o.rank; ++k)
      std::fill(o.q + k * o.columns + first, o.q + k * o.columns + last, 0.0F);
    for (std::int64_t row = 0; row < o.rows;) {
      const std::int64_t stop = std::min(row + kSumRows, o.rows);
      std::fill(sums, sums + o.rank * kColumns, 0.0F);
      for (; row + kRows <= stop; row += kRows) transposed_rows<kRows>(o, row, first, last, sums);
      for (; row < stop; ++row) transposed_rows<1>(o, row, first, last, sums);
      for (std::int64_t k = 0; k < o.rank; ++k) {
        float* total = o.q + k * o.columns + first;
        for (std::int64_t j = 0; j < last - first; ++j) total[j] += sums[k * kColumns + j];
      }
    }
  }
}

/// One block of columns of R rows; returns the sum of squares of their error.
template <int R>
HWY_INLINE float reconstruct_tile(const Operands& o, std::int64_t row, std::int64_t first,
                                  std::int64_t last) {
  const Floats tag;
  Vector squares = hn::Zero(tag);
  for (std::int64_t j = first; j < last; j += lanes()) {
    Vector sent[R], kept[R];
    for (int r = 0; r < R; ++r) {
      sent[r] = hn::Zero(tag);
      kept[r] = load(o.grad + (row + r) * o.columns + j, last - j);
    }
    for (std::int64_t k = 0; k < o.rank; ++k) {
      const Vector mean = load(o.q + k * o.columns + j, last - j);
      const Vector own = load(o.own + k * o.columns + j, last - j);
      for (int r = 0; r < R; ++r) {
        const Vector weight = hn::Set(tag, o.p[k * o.rows + row + r]);
        sent[r] = hn::MulAdd(weight, mean, sent[r]);
        kept[r] = hn::NegMulAdd(weight, own, kept[r]);
      }
    }
    for (int r = 0; r < R; ++r) {
      store(sent[r], o.grad + (row + r) * o.columns + j, last - j);
      if (o.error == nullptr) continue;
      store(kept[r], o.error + (row + r) * o.columns + j, last - j);
      squares = hn::MulAdd(kept[r], kept[r], squares);
    }
  }
  return hn::GetLane(hn::SumOfLanes(tag, squares));
}

double reconstruct(const Operands& o, std::int64_t begin, std::int64_t end) {
  double squares = 0;
  for (std::int64_t first = 0; first < o.columns; first += kColumns) {
    const std::int64_t last = std::min(first + kColumns, o.columns);
    std::int64_t row = begin;
    for (; row + kRows <= end; row += kRows)
      squares += static_cast<double>(reconstruct_tile<kRows>(o, row, first, last));
    for (; row < end; ++row)
      squares += static_cast<double>(reconstruct_tile<1>(o, row, first, last));
  }
  return squares;
}

}  // namespace HWY_NAMESPACE
}  // namespace spillway::compression::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spillway::compression::kernels {

HWY_EXPORT(project);
HWY_EXPORT(project_transposed);
HWY_EXPORT(reconstruct);

void project(const Operands& operands, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(project)(operands, begin, end);
}

void project_transposed(const Operands& operands, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(project_transposed)(operands, begin, end);
}

double reconstruct(const Operands& operands, std::int64_t begin, std::int64_t end) {
  return HWY_DYNAMIC_DISPATCH(reconstruct)(operands, begin, end);
}

}  // namespace spillway::compression::kernels
#endif
