#pragma once

#include "compression/low_rank/cuda/batch_view.hpp"

namespace spillway::compression::batched {

/// The elements of a factor that a block goes through.
struct Elements {
  const Tile tile;
  const Factor factor;
  const std::int64_t first, last, size;
};

SPILLWAY_DEVICE inline Elements find_elements(const Batch& batch, std::int64_t block) {
  const Tiling tiling = batch.side == Side::left ? kLeftElements : kRightElements;
  const Tile tile = find_tile(batch, tiling, block);
  const Factor in_work = factor(tile.matrix, batch.side);
  const std::int64_t size = tile.matrix.rank * in_work.across, first = tile.index * kElements;
  return {tile, in_work, first, least(first + kElements, size), size};
}

/// Factor = the sum of its parts, in their order.
struct SumPartsBody {
  struct Shared {};

  template <class Block>
  SPILLWAY_DEVICE static void run(const Block& block, const Batch& batch, Shared& /*shared*/) {
    const Elements elements = find_elements(batch, block.index());
    const Matrix m = elements.tile.matrix;
    const int parts = batch.side == Side::left ? m.across_tiles : m.tall_tiles;
    if (parts == 1) return;  // is there already
    block.each_thread([&](int thread) {
      for (std::int64_t e = elements.first + thread; e < elements.last; e += kThreads) {
        float sum = 0;
        for (int part = 0; part < parts; ++part) sum += m.parts[part * elements.size + e];
        elements.factor.values[e] = sum;
      }
    });
  }
};

/// Puts out a matrix whose factor is not finite: every block that sees it writes the same.
struct CheckFiniteBody {
  struct Shared {
    bool finite[kThreads];
  };

  template <class Block>
  SPILLWAY_DEVICE static void run(const Block& block, const Batch& batch, Shared& shared) {
    const Elements elements = find_elements(batch, block.index());
    block.each_thread([&](int thread) {
      bool finite = true;
      for (std::int64_t e = elements.first + thread; e < elements.last; e += kThreads)
        finite = finite && is_finite(elements.factor.values[e]);
      shared.finite[thread] = finite;
    });
    block.each_thread([&](int thread) {
      if (thread != 0) return;
      bool finite = true;
      for (const bool part : shared.finite) finite = finite && part;
      if (!finite) elements.tile.outcome.finite = 0;
    });
  }
};

}  // namespace spillway::compression::batched
