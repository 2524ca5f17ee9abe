#include <hwy/cache_control.h>

#include <algorithm>

#include "compression/low_rank/skinny_kernels.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "compression/low_rank/project_kernel.cpp"
#include <hwy/foreach_target.h>  // compiles this file once for each instruction set

#include "compression/low_rank/skinny_registers-inl.hpp"

// Few ranks are dot products: rows of the gradient and of the factor meet in registers. Many ranks
// lie side by side in the lanes instead, so that no sum crosses lanes: the factor is packed with
// its ranks next to each other, and every value of the gradient is multiplied with all of them.
// Their sums wait for those of some more rows, so that p, whose ranks lie far apart, is written in
// whole cache lines.

HWY_BEFORE_NAMESPACE();
namespace spillway::compression::kernels {
namespace HWY_NAMESPACE {

constexpr int kRows = 4;                       // of the gradient in registers, for dot products
constexpr int kFewRanks = 4;                   // that are dot products
constexpr int kTall = kManyRegisters ? 8 : 4;  // rows in registers, for packed ranks
constexpr int kWide = 2;                       // vectors of packed ranks
constexpr std::int64_t kGroupRows = 16;        // whose sums of packed ranks join p together
constexpr std::int64_t kPanelRanks = kMaxRank + kWide * kMostLanes;  // filled up to whole vectors

/// p[k][row..] += sum over the columns of the block of grad[row..][j] q[k][j], for R rows and K
/// rows of the factor.
template <int R, int K>
HWY_INLINE void dot_tile(const Operands& o, std::int64_t row, std::int64_t k, std::int64_t first,
                         std::int64_t last) {
  const Floats tag;
  Vector sums[R][K];
  for (auto& line : sums) {
    for (Vector& sum : line) sum = hn::Zero(tag);
  }
  const auto step = [&](std::int64_t j, std::int64_t count) HWY_ATTR {
    Vector grad[R];
    for (int r = 0; r < R; ++r) grad[r] = load(o.grad + (row + r) * o.columns + j, count);
    for (int c = 0; c < K; ++c) {
      const Vector factor = load(o.q + (k + c) * o.columns + j, count);
      for (int r = 0; r < R; ++r) sums[r][c] = hn::MulAdd(grad[r], factor, sums[r][c]);
    }
  };
  std::int64_t j = first;
  for (; j + lanes() <= last; j += lanes()) step(j, lanes());
  if (j < last) step(j, last - j);
  for (int r = 0; r < R; ++r) {
    for (int c = 0; c < K; ++c)
      o.p[(k + c) * o.rows + row + r] += hn::GetLane(hn::SumOfLanes(tag, sums[r][c]));
  }
}

/// Not inlined, so that the sums of its tiles have the registers to themselves.
template <int R>
HWY_NOINLINE void dot_rows(const Operands& o, std::int64_t row, std::int64_t k, std::int64_t first,
                           std::int64_t last) {
  for (; k + kFewRanks <= o.rank; k += kFewRanks) dot_tile<R, kFewRanks>(o, row, k, first, last);
  for (; k + 2 <= o.rank; k += 2) dot_tile<R, 2>(o, row, k, first, last);
  for (; k < o.rank; ++k) dot_tile<R, 1>(o, row, k, first, last);
}

/// Packed ranks from k on: V vectors for each column.
struct Panel {
  const float* packed = nullptr;
  std::int64_t k = 0;
};

/// Announces a cache line of the next R rows, so that memory works while this one multiplies.
template <int R>
HWY_INLINE void prefetch_rows(const Operands& o, std::int64_t row, std::int64_t j) {
  for (int r = 0; r < R; ++r) {
    hwy::Prefetch(o.grad + (row + r) * o.columns + j);
    if (o.error != nullptr) hwy::Prefetch(o.error + (row + r) * o.columns + j);
  }
}

/// sums[row..][k..] = sum over the columns of the block of grad[row..][j] packed[j][k..], for R
/// rows and the V vectors of ranks of a panel; `sums` has stride kPanelRanks.
template <int R, int V>
HWY_INLINE void packed_tile(const Operands& o, std::int64_t row, const Panel& panel,
                            std::int64_t first, std::int64_t last, float* sums) {
  const Floats tag;
  Vector tile[R][V];
  for (auto& line : tile) {
    for (Vector& sum : line) sum = hn::Zero(tag);
  }
  const float* grad[R];
  for (int r = 0; r < R; ++r) grad[r] = o.grad + (row + r) * o.columns + first;
  const float* packed = panel.packed;
  for (std::int64_t j = 0; j < last - first;) {
    if (panel.k == 0) prefetch_rows<R>(o, row + R, first + j);
    const std::int64_t stop = std::min(j + kLine, last - first);
    for (; j < stop; ++j, packed += V * lanes()) {
      Vector factor[V];
      for (int v = 0; v < V; ++v) factor[v] = hn::LoadU(tag, packed + v * lanes());
      for (int r = 0; r < R; ++r) {
        const Vector value = hn::Set(tag, grad[r][j]);
        for (int v = 0; v < V; ++v) tile[r][v] = hn::MulAdd(value, factor[v], tile[r][v]);
      }
    }
  }
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v)
      hn::StoreU(tile[r][v], tag, sums + r * kPanelRanks + panel.k + v * lanes());
  }
}

/// Ranks that go in packed panels; the rest are dot products.
HWY_INLINE std::int64_t packed_ranks(std::int64_t rank) {
  const std::int64_t wide = kWide * lanes(), rest = rank % wide;
  return rest > kFewRanks ? rank : rank - rest;
}

/// A few columns at a time, which stay in the first cache while the ranks go by.
HWY_INLINE void pack(const Operands& o, std::int64_t first, std::int64_t last, float* packed) {
  const std::int64_t ranks = packed_ranks(o.rank);
  for (std::int64_t k = 0; k < ranks; k += kWide * lanes()) {
    const std::int64_t count = std::min(kWide * lanes(), ranks - k);
    const std::int64_t width = (count + lanes() - 1) / lanes() * lanes();
    for (std::int64_t line = first; line < last; line += kLine) {
      const std::int64_t stop = std::min(line + kLine, last);
      for (std::int64_t c = 0; c < width; ++c) {
        const float* factor = o.q + (k + c) * o.columns;
        for (std::int64_t j = line; j < stop; ++j)
          packed[(j - first) * width + c] = c < count ? factor[j] : 0.0F;
      }
    }
    packed += width * (last - first);
  }
}

/// sums[row..][..] of R rows and all packed ranks.
template <int R>
HWY_INLINE void packed_rows(const Operands& o, std::int64_t row, std::int64_t first,
                            std::int64_t last, const float* packed, float* sums) {
  const std::int64_t ranks = packed_ranks(o.rank);
  for (std::int64_t k = 0; k < ranks; k += kWide * lanes()) {
    if (ranks - k > lanes()) {
      packed_tile<R, kWide>(o, row, {packed, k}, first, last, sums);
    } else {
      packed_tile<R, 1>(o, row, {packed, k}, first, last, sums);
    }
    packed += kWide * lanes() * (last - first);  // only the last panel is narrower
  }
}

/// p[k][row..] += sums[..][k] of the packed ranks, rows [row, end).
HWY_INLINE void join_sums(const Operands& o, std::int64_t row, std::int64_t end,
                          const float* sums) {
  const std::int64_t ranks = packed_ranks(o.rank);
  for (std::int64_t k = 0; k < ranks; ++k) {
    for (std::int64_t r = row; r < end; ++r)
      o.p[k * o.rows + r] += sums[(r - row) * kPanelRanks + k];
  }
}

HWY_INLINE void add_error(const Operands& o, std::int64_t row, std::int64_t first,
                          std::int64_t last) {
  float* grad = o.grad + row * o.columns;
  const float* error = o.error + row * o.columns;
  for (std::int64_t j = first; j < last; j += lanes())
    store(hn::Add(load(grad + j, last - j), load(error + j, last - j)), grad + j, last - j);
}

/// The block's columns of rows [begin, end), at most kGroupRows of them.
HWY_INLINE void row_group(const Operands& o, std::int64_t begin, std::int64_t end,
                          std::int64_t first, std::int64_t last, const float* packed) {
  HWY_ALIGN float sums[kGroupRows * kPanelRanks];
  const std::int64_t few = packed_ranks(o.rank);  // the first rank of the dot products
  for (std::int64_t row = begin; row < end;) {
    const std::int64_t rows = row + kTall <= end ? kTall : 1;
    if (o.error != nullptr) {
      for (std::int64_t r = 0; r < rows; ++r) add_error(o, row + r, first, last);
    }
    float* row_sums = sums + (row - begin) * kPanelRanks;
    if (rows == kTall) {
      packed_rows<kTall>(o, row, first, last, packed, row_sums);
      for (int r = 0; r < kTall; r += kRows) dot_rows<kRows>(o, row + r, few, first, last);
    } else {
      packed_rows<1>(o, row, first, last, packed, row_sums);
      dot_rows<1>(o, row, few, first, last);
    }
    row += rows;
  }
  join_sums(o, begin, end, sums);
}

void project(const Operands& o, std::int64_t begin, std::int64_t end) {
  HWY_ALIGN float packed[kPanelRanks * kColumns];
  for (std::int64_t k = 0; k < o.rank; ++k)
    std::fill(o.p + k * o.rows + begin, o.p + k * o.rows + end, 0.0F);
  for (std::int64_t first = 0; first < o.columns; first += kColumns) {
    const std::int64_t last = std::min(first + kColumns, o.columns);
    pack(o, first, last, packed);
    for (std::int64_t row = begin; row < end; row += kGroupRows)
      row_group(o, row, std::min(row + kGroupRows, end), first, last, packed);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace spillway::compression::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace spillway::compression::kernels {

HWY_EXPORT(project);

void project(const Operands& operands, std::int64_t begin, std::int64_t end) {
  HWY_DYNAMIC_DISPATCH(project)(operands, begin, end);
}

}  // namespace spillway::compression::kernels
#endif
