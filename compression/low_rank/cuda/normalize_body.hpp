#pragma once

#include "compression/low_rank/cuda/batch_view.hpp"

namespace spillway::compression::batched {

/// Factor = inverse of its Cholesky factor times it, column by column in place.
struct NormalizeBody {
  struct Shared {
    double inverse[kMaxRank * kMaxRank];
  };

  template <class Block>
  SPILLWAY_DEVICE static void run(const Block& block, const Batch& batch, Shared& shared) {
    const Tiling tiling = batch.side == Side::left ? kLeftColumns : kRightColumns;
    const Tile tile = find_tile(batch, tiling, block.index());
    const Pass pass = tile.outcome.pass;
    if (pass != Pass::first && pass != Pass::second) return;
    const Matrix m = tile.matrix;
    const Factor in_work = factor(m, batch.side);
    const double* inverse = m.inverse + (pass == Pass::first ? 0 : m.rank * m.rank);
    block.each_thread([&](int thread) {
      for (int e = thread; e < m.rank * m.rank; e += kThreads) shared.inverse[e] = inverse[e];
    });
    const std::int64_t first = tile.index * kFactorColumns;
    const std::int64_t last = least(first + kFactorColumns, in_work.across);
    block.each_thread([&](int thread) {
      for (std::int64_t c = first + thread; c < last; c += kThreads) {
        float* column = in_work.values + c;
        for (int i = m.rank - 1; i >= 0; --i) {  // row i needs none below it
          double sum = 0;
          for (int k = 0; k <= i; ++k)
            sum += shared.inverse[i * m.rank + k] * static_cast<double>(column[k * in_work.across]);
          column[i * in_work.across] = static_cast<float>(sum);
        }
      }
    });
  }
};

}  // namespace spillway::compression::batched
