#pragma once

#include "compression/low_rank/cuda/batch_view.hpp"

namespace spillway::compression::batched {

/// Element of a lower triangle stored row by row.
SPILLWAY_DEVICE inline int pair_index(int i, int j) { return i * (i + 1) / 2 + j; }

/// Part of the Gram matrix of a factor's rows in float64, of kFactorColumns columns a block. With
/// Again of the rows that the inverse of the first pass has made nearly orthonormal, for matrices
/// whose first pass was rough.
template <bool Again>
struct GramBody {
  static constexpr int kColumns = 32;  // in shared memory at a time
  static constexpr int kPairs = kMaxRank * (kMaxRank + 1) / 2;

  struct Shared {
    double values[kMaxRank][kColumns + 1];  // one element more: no bank conflicts
    double sums[kPairs];                    // [pair, slice of the columns]
    float given[Again ? kMaxRank : 1][kColumns + 1];
    std::uint8_t rows[kPairs][2];  // of the pairs
  };

  template <class Block>
  SPILLWAY_DEVICE static void run(const Block& block, const Batch& batch, Shared& shared) {
    const Tiling tiling = batch.side == Side::left ? kLeftColumns : kRightColumns;
    const Tile tile = find_tile(batch, tiling, block.index());
    const Matrix m = tile.matrix;
    if (tile.outcome.finite == 0 || (Again && tile.outcome.pass != Pass::rough)) return;
    const Factor in_work = factor(m, batch.side);
    const int pairs = pair_index(m.rank, 0);
    const auto slices = static_cast<int>(least(kColumns, kThreads / least(pairs, kThreads)));
    const std::int64_t first = tile.index * kFactorColumns;
    const std::int64_t last = least(first + kFactorColumns, in_work.across);
    block.each_thread([&](int thread) {
      for (int e = thread; e < pairs * slices; e += kThreads) shared.sums[e] = 0;
      for (int j = 0; thread < m.rank && j <= thread; ++j) {
        shared.rows[pair_index(thread, j)][0] = static_cast<std::uint8_t>(thread);
        shared.rows[pair_index(thread, j)][1] = static_cast<std::uint8_t>(j);
      }
    });
    for (std::int64_t column = first; column < last; column += kColumns) {
      load(block, m, in_work, column, shared);
      block.each_thread([&](int thread) {
        for (int e = thread; e < pairs * slices; e += kThreads) {
          const double* a = shared.values[shared.rows[e / slices][0]];
          const double* b = shared.values[shared.rows[e / slices][1]];
          double sum = 0;
          for (int c = e % slices; c < kColumns; c += slices) sum += a[c] * b[c];
          shared.sums[e] += sum;
        }
      });
    }
    block.each_thread([&](int thread) {
      for (int pair = thread; pair < pairs; pair += kThreads) {
        double sum = 0;
        for (int slice = 0; slice < slices; ++slice) sum += shared.sums[pair * slices + slice];
        m.gram_parts[tile.index * pairs + pair] = sum;
      }
    });
  }

 private:
  /// Columns [column, column + kColumns) of the rows to multiply; zeros beyond the end.
  template <class Block>
  SPILLWAY_DEVICE static void load(const Block& block, const Matrix& m, const Factor& in_work,
                                   std::int64_t column, Shared& shared) {
    block.each_thread([&](int thread) {
      for (int e = thread; e < m.rank * kColumns; e += kThreads) {
        const int k = e / kColumns, c = e % kColumns;
        const bool inside = column + c < in_work.across;
        const float value = inside ? in_work.values[k * in_work.across + column + c] : 0.0F;
        if constexpr (Again) {
          shared.given[k][c] = value;
        } else {
          shared.values[k][c] = static_cast<double>(value);
        }
      }
    });
    if constexpr (Again) {
      block.each_thread([&](int thread) {
        for (int e = thread; e < m.rank * kColumns; e += kThreads) {
          const int i = e / kColumns, c = e % kColumns;
          double sum = 0;
          for (int k = 0; k <= i; ++k)
            sum += m.inverse[i * m.rank + k] * static_cast<double>(shared.given[k][c]);
          shared.values[i][c] = sum;
        }
      });
    }
  }
};

}  // namespace spillway::compression::batched
