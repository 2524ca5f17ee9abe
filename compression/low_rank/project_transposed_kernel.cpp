#include <hwy/cache_control.h>

#include <algorithm>

#include "compression/low_rank/skinny_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compression/low_rank/project_transposed_kernel.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set

#include "compression/low_rank/skinny_registers-inl.hpp"

// A strip of columns of some rows of the gradient meets the ranks in turns, eight of them in
// registers; after the first turn the strip is in the first cache.

HWY_BEFORE_NAMESPACE();
namespace spillway::compression::kernels {
namespace HWY_NAMESPACE {

constexpr int kStrip = 3;                       // vectors of a strip
constexpr int kRanks = kManyRegisters ? 8 : 4;  // in registers
constexpr std::int64_t kBlockRows = 32;         // of a block that the cache holds
constexpr std::int64_t kSumRows = 256;          // rows summed before they join the total

/// Of the sums of two ranks: not a power of two, so that they do not fight for the same cache
/// lines.
constexpr std::int64_t kStride = kColumns + 32;

/// Rows [row, row + rows) of the gradient and their packed weights [rows][rank].
struct RowBlock {
  std::int64_t row = 0, rows = 0;
  const float* weights = nullptr;
};

/// sums[k + c][j..] += sum over the block's rows of weight[k + c] grad[row][j..], for K ranks and
/// V vectors; `sums` has stride kStride, `count` columns are left.
template <int K, int V, bool First>
HWY_INLINE void strip_tile(const Operands& o, const RowBlock& block, std::int64_t k, std::int64_t j,
                           std::int64_t count, float* sums) {
  const Floats tag;
  Vector tile[K][V];
  for (int c = 0; c < K; ++c) {
    for (int v = 0; v < V; ++v) tile[c][v] = hn::LoadU(tag, sums + c * kStride + v * lanes());
  }
  const float* grad = o.grad + block.row * o.columns + j;
  const float* weights = block.weights + k;
  for (std::int64_t r = 0; r < block.rows; ++r, grad += o.columns, weights += o.rank) {
    Vector values[V];
    for (int v = 0; v < V; ++v) values[v] = load(grad + v * lanes(), count - v * lanes());
    if (First) {
      for (int v = 0; v < V; ++v) hwy::Prefetch(grad + (2 * kStrip + v) * lanes());
    }
    for (int c = 0; c < K; ++c) {
      const Vector weight = hn::Set(tag, weights[c]);
      for (int v = 0; v < V; ++v) tile[c][v] = hn::MulAdd(weight, values[v], tile[c][v]);
    }
  }
  for (int c = 0; c < K; ++c) {
    for (int v = 0; v < V; ++v) hn::StoreU(tile[c][v], tag, sums + c * kStride + v * lanes());
  }
}

template <int V>
HWY_INLINE void strip(const Operands& o, const RowBlock& block, std::int64_t j, std::int64_t count,
                      float* sums) {
  std::int64_t k = 0;
  if (k + kRanks <= o.rank) {
    strip_tile<kRanks, V, true>(o, block, k, j, count, sums);
    k += kRanks;
  }
  for (; k + kRanks <= o.rank; k += kRanks)
    strip_tile<kRanks, V, false>(o, block, k, j, count, sums + k * kStride);
  if (k + 4 <= o.rank) {
    strip_tile<4, V, true>(o, block, k, j, count, sums + k * kStride);
    k += 4;
  }
  for (; k < o.rank; ++k) strip_tile<1, V, true>(o, block, k, j, count, sums + k * kStride);
}

/// sums += the products of the block's rows with columns [first, last).
HWY_INLINE void block_rows(const Operands& o, const RowBlock& block, std::int64_t first,
                           std::int64_t last, float* sums) {
  std::int64_t j = first;
  for (; j + kStrip * lanes() <= last; j += kStrip * lanes())
    strip<kStrip>(o, block, j, kStrip * lanes(), sums + (j - first));
  for (; j < last; j += lanes()) strip<1>(o, block, j, last - j, sums + (j - first));
}

void project_transposed(const Operands& o, std::int64_t begin, std::int64_t end) {
  HWY_ALIGN float sums[kMaxRank * kStride];
  float weights[kBlockRows * kMaxRank];
  for (std::int64_t first = begin; first < end; first += kColumns) {
    const std::int64_t last = std::min(first + kColumns, end);
    for (std::int64_t k = 0; k < o.rank; ++k)
      std::fill(o.q + k * o.columns + first, o.q + k * o.columns + last, 0.0F);
    for (std::int64_t row = 0; row < o.rows;) {
      const std::int64_t stop = std::min(row + kSumRows, o.rows);
      std::fill(sums, sums + o.rank * kStride, 0.0F);
      for (; row < stop; row += kBlockRows) {
        const std::int64_t rows = std::min(kBlockRows, stop - row);
        for (std::int64_t k = 0; k < o.rank; ++k) {
          for (std::int64_t r = 0; r < rows; ++r)
            weights[r * o.rank + k] = o.p[k * o.rows + row + r];
        }
        block_rows(o, {row, rows, weights}, first, last, sums);
      }
      row = stop;
      for (std::int64_t k = 0; k < o.rank; ++k) {
        float* total = o.q + k * o.columns + first;
        for (std::int64_t j = 0; j < last - first; ++j) total[j] += sums[k * kStride + j];
      }
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace spillway::compression::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spillway::compression::kernels {

HWY_EXPORT(project_transposed);

void project_transposed(const Operands& operands, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(project_transposed)(operands, begin, end);
}

}  // namespace spillway::compression::kernels
#endif
