#pragma once

#include "compression/low_rank/cuda/batch_view.hpp"

namespace spillway::compression::batched {

/// What ReconstructBody left of a matrix, added up in the order of the tiles; a block a matrix.
struct SumSquaresBody {
  struct Shared {
    double squares[kThreads];
  };

  template <class Block>
  SPILLWAY_DEVICE static void run(const Block& block, const Batch& batch, Shared& shared) {
    const Matrix& m = batch.matrices[block.index()];
    Outcome& outcome = batch.outcomes[block.index()];
    if (outcome.finite == 0 || m.kept == nullptr) return;
    const std::int64_t* first =
        batch.first_tiles + std::int64_t{kGradientTiles} * (batch.count + 1);
    const std::int64_t tiles = first[block.index() + 1] - first[block.index()];
    block.each_thread([&](int thread) {
      double sum = 0;
      for (std::int64_t t = thread; t < tiles; t += kThreads) sum += m.square_parts[t];
      shared.squares[thread] = sum;
    });
    block.each_thread([&](int thread) {
      if (thread != 0) return;
      double sum = 0;
      for (const double part : shared.squares) sum += part;
      outcome.kept_squares = sum;
    });
  }
};

}  // namespace spillway::compression::batched
