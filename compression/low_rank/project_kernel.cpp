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

HWY_BEFORE_NAMESPACE();
namespace spillway::compression::kernels {
namespace HWY_NAMESPACE {

constexpr std::int64_t kLine = 16;             // floats of a cache line
constexpr int kRows = 4;                       // of the gradient in registers, for dot products
constexpr int kFewRanks = 4;                   // that are dot products
constexpr int kTall = kManyRegisters ? 8 : 4;  // rows in registers, for packed ranks
constexpr int kWide = 2;                       // vectors of packed ranks
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

template <int R>
HWY_INLINE void dot_rows(const Operands& o, std::int64_t row, std::int64_t k, std::int64_t first,
                         std::int64_t last) {
  for (; k + kFewRanks <= o.rank; k += kFewRanks) dot_tile<R, kFewRanks>(o, row, k, first, last);
  for (; k + 2 <= o.rank; k += 2) dot_tile<R, 2>(o, row, k, first, last);
  for (; k < o.rank; ++k) dot_tile<R, 1>(o, row, k, first, last);
}

/// Ranks [k, k + count) of the factor's block, packed: V vectors for each column.
struct Panel {
  const float* packed = nullptr;
  std::int64_t k = 0, count = 0;
};

/// Announces a cache line of the next R rows, so that memory works while this one multiplies.
template <int R>
HWY_INLINE void prefetch_rows(const Operands& o, std::int64_t row, std::int64_t j) {
  for (int r = 0; r < R; ++r) {
    hwy::Prefetch(o.grad + (row + r) * o.columns + j);
    if (o.error != nullptr) hwy::Prefetch(o.error + (row + r) * o.columns + j);
  }
}

/// As dot_tile, for R rows and the ranks of a panel.
template <int R, int V>
HWY_INLINE void packed_tile(const Operands& o, std::int64_t row, const Panel& panel,
                            std::int64_t first, std::int64_t last) {
  const Floats tag;
  Vector sums[R][V];
  for (auto& line : sums) {
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
        for (int v = 0; v < V; ++v) sums[r][v] = hn::MulAdd(value, factor[v], sums[r][v]);
      }
    }
  }
  float out[V * kMostLanes];
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) hn::StoreU(sums[r][v], tag, out + v * lanes());
    for (std::int64_t c = 0; c < panel.count; ++c) o.p[(panel.k + c) * o.rows + row + r] += out[c];
  }
}

/// Ranks that go in packed panels; the rest are dot products.
HWY_INLINE std::int64_t packed_ranks(std::int64_t rank) {
  const std::int64_t wide = kWide * lanes(), rest = rank % wide;
  return rest > kFewRanks ? rank : rank - rest;
}

HWY_INLINE void pack(const Operands& o, std::int64_t first, std::int64_t last, float* packed) {
  const std::int64_t ranks = packed_ranks(o.rank);
  for (std::int64_t k = 0; k < ranks; k += kWide * lanes()) {
    const std::int64_t count = std::min(kWide * lanes(), ranks - k);
    const std::int64_t width = (count + lanes() - 1) / lanes() * lanes();
    for (std::int64_t c = 0; c < width; ++c) {
      const float* factor = o.q + (k + c) * o.columns + first;
      for (std::int64_t j = 0; j < last - first; ++j)
        packed[j * width + c] = c < count ? factor[j] : 0.0F;
    }
    packed += width * (last - first);
  }
}

template <int R>
HWY_INLINE void packed_rows(const Operands& o, std::int64_t row, std::int64_t first,
                            std::int64_t last, const float* packed) {
  const std::int64_t ranks = packed_ranks(o.rank);
  for (std::int64_t k = 0; k < ranks; k += kWide * lanes()) {
    const std::int64_t count = std::min(kWide * lanes(), ranks - k);
    const Panel panel{packed, k, count};
    if (count > lanes()) {
      packed_tile<R, kWide>(o, row, panel, first, last);
    } else {
      packed_tile<R, 1>(o, row, panel, first, last);
    }
    packed += kWide * lanes() * (last - first);  // only the last panel is narrower
  }
}

HWY_INLINE void add_error(const Operands& o, std::int64_t row, std::int64_t first,
                          std::int64_t last) {
  float* grad = o.grad + row * o.columns;
  const float* error = o.error + row * o.columns;
  for (std::int64_t j = first; j < last; j += lanes())
    store(hn::Add(load(grad + j, last - j), load(error + j, last - j)), grad + j, last - j);
}

void project(const Operands& o, std::int64_t begin, std::int64_t end) {
  HWY_ALIGN float packed[kPanelRanks * kColumns];
  for (std::int64_t k = 0; k < o.rank; ++k)
    std::fill(o.p + k * o.rows + begin, o.p + k * o.rows + end, 0.0F);
  const std::int64_t few = packed_ranks(o.rank);  // the first rank of the dot products
  for (std::int64_t first = 0; first < o.columns; first += kColumns) {
    const std::int64_t last = std::min(first + kColumns, o.columns);
    pack(o, first, last, packed);
    for (std::int64_t row = begin; row < end;) {
      const std::int64_t rows = row + kTall <= end ? kTall : 1;
      if (o.error != nullptr) {
        for (std::int64_t r = 0; r < rows; ++r) add_error(o, row + r, first, last);
      }
      if (rows == kTall) {
        packed_rows<kTall>(o, row, first, last, packed);
        for (int r = 0; r < kTall; r += kRows) dot_rows<kRows>(o, row + r, few, first, last);
      } else {
        packed_rows<1>(o, row, first, last, packed);
        dot_rows<1>(o, row, few, first, last);
      }
      row += rows;
    }
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
