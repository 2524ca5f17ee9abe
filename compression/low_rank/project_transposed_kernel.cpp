#include <hwy/cache_control.h>

#include <algorithm>

#include "compression/low_rank/skinny_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compression/low_rank/project_transposed_kernel.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set

#include "compression/low_rank/skinny_registers-inl.hpp"

// A strip of columns of some rows of the gradient meets the ranks in turns, eight of them in
// registers; after the first turn the strip is in the first cache. Meanwhile later strips are
// announced to memory: where there are turns enough, one vector of each row a turn, since a core
// waits for few cache lines at once.

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

/// Rows [row, row + rows) and columns [first, last) of the gradient and the rows' packed weights
/// [rows][rank].
struct RowBlock {
  std::int64_t row = 0, rows = 0, first = 0, last = 0;
  const float* weights = nullptr;
};

/// Where the first row of the strip lies that comes two after the one at column j, in this block or
/// the one below.
HWY_INLINE const float* strip_after_next(const Operands& o, const RowBlock& block, std::int64_t j) {
  j += std::int64_t{2} * kStrip * lanes();
  if (j < block.last) return o.grad + block.row * o.columns + j;
  return o.grad + (block.row + block.rows) * o.columns + j - (block.last - block.first);
}

/// sums[k + c][j..] += sum over the block's rows of weight[k + c] grad[row][j..], for K ranks and
/// V vectors; `sums` has stride kStride, `count` columns are left. Announces vectors
/// [announced, announced + A) of each row of a later strip.
template <int K, int V, int A>
HWY_INLINE void strip_tile(const Operands& o, const RowBlock& block, std::int64_t k, std::int64_t j,
                           std::int64_t count, float* sums, std::int64_t announced) {
  const Floats tag;
  Vector tile[K][V];
  for (int c = 0; c < K; ++c) {
    for (int v = 0; v < V; ++v) tile[c][v] = hn::LoadU(tag, sums + c * kStride + v * lanes());
  }
  const float* grad = o.grad + block.row * o.columns + j;
  const float* later = strip_after_next(o, block, j) + announced * lanes();
  const float* weights = block.weights + k;
  for (std::int64_t r = 0; r < block.rows; ++r) {
    Vector values[V];
    for (int v = 0; v < V; ++v) values[v] = load(grad + v * lanes(), count - v * lanes());
    for (int v = 0; v < A; ++v) hwy::Prefetch(later + v * lanes());
    for (int c = 0; c < K; ++c) {
      const Vector weight = hn::Set(tag, weights[c]);
      for (int v = 0; v < V; ++v) tile[c][v] = hn::MulAdd(weight, values[v], tile[c][v]);
    }
    grad += o.columns;
    later += o.columns;
    weights += o.rank;
  }
  for (int c = 0; c < K; ++c) {
    for (int v = 0; v < V; ++v) hn::StoreU(tile[c][v], tag, sums + c * kStride + v * lanes());
  }
}

template <int V>
HWY_INLINE void strip(const Operands& o, const RowBlock& block, std::int64_t j, std::int64_t count,
                      float* sums) {
  const bool many_turns = o.rank >= std::int64_t{kStrip} * kRanks;
  std::int64_t k = 0;
  for (; k + kRanks <= o.rank; k += kRanks) {
    const std::int64_t turn = k / kRanks;
    if (many_turns && turn < V) {
      strip_tile<kRanks, V, 1>(o, block, k, j, count, sums + k * kStride, turn);
    } else if (turn == 0) {
      strip_tile<kRanks, V, V>(o, block, k, j, count, sums, 0);
    } else {
      strip_tile<kRanks, V, 0>(o, block, k, j, count, sums + k * kStride, 0);
    }
  }
  if (k + 4 <= o.rank) {
    strip_tile<4, V, V>(o, block, k, j, count, sums + k * kStride, 0);
    k += 4;
  }
  for (; k < o.rank; ++k) strip_tile<1, V, V>(o, block, k, j, count, sums + k * kStride, 0);
}

/// sums += the products of the block.
HWY_INLINE void block_rows(const Operands& o, const RowBlock& block, float* sums) {
  const std::int64_t first = block.first, last = block.last;
  std::int64_t j = first;
  for (; j + kStrip * lanes() <= last; j += kStrip * lanes())
    strip<kStrip>(o, block, j, kStrip * lanes(), sums + (j - first));
  for (; j < last; j += lanes()) strip<1>(o, block, j, last - j, sums + (j - first));
}

/// The block's weights, [rows][rank]; announces the next block's.
HWY_INLINE void pack(const Operands& o, std::int64_t row, std::int64_t rows, float* weights) {
  for (std::int64_t k = 0; k < o.rank; ++k) {
    const float* p = o.p + k * o.rows + row;
    for (std::int64_t r = 0; r < rows; ++r) weights[r * o.rank + k] = p[r];
    for (std::int64_t r = 0; r < rows; r += kLine) hwy::Prefetch(p + rows + r);
  }
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
        pack(o, row, rows, weights);
        block_rows(o, {row, rows, first, last, weights}, sums);
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
