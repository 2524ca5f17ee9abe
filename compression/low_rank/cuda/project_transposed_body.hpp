#pragma once

#include "compression/low_rank/cuda/batch_view.hpp"

namespace spillway::compression::batched {

/// Q = P gradient. A block multiplies a tall tile of the gradient: its warps take rows one below
/// the other, its lanes columns side by side, kColumns each in registers with up to kRanks sums.
/// A matrix that is out gets zeros.
struct ProjectTransposedBody {
  static constexpr int kRows = kTallRows / kWarps;
  static constexpr int kColumns = kTallColumns / kLanes;
  static constexpr int kRanks = 8;
  static constexpr int kStep = 4;  // rows of a warp at a time

  struct Shared {
    float weights[kTallRows][kRanks];  // of P
    float sums[kWarps][kRanks][kTallColumns];
  };

  template <class Block>
  SPILLWAY_DEVICE static void run(const Block& block, const Batch& batch, Shared& shared) {
    const Tile tile = find_tile(batch, kTallTiles, block.index());
    const Matrix m = tile.matrix;
    const bool finite = tile.outcome.finite != 0;
    const std::int64_t part = tile.index % m.tall_tiles;
    const std::int64_t row = part * kTallRows, column = tile.index / m.tall_tiles * kTallColumns;
    const auto rows = static_cast<int>(least(kTallRows, m.rows - row));
    float* out = m.tall_tiles == 1 ? m.q : m.parts + part * m.rank * m.columns;
    for (int k = 0; k < m.rank; k += kRanks) {
      const auto ranks = static_cast<int>(least(kRanks, m.rank - k));
      block.each_thread([&](int thread) {
        for (int e = thread; e < kRanks * kTallRows; e += kThreads) {
          const int rank = e / kTallRows, r = e % kTallRows;
          const bool inside = rank < ranks && r < rows;
          shared.weights[r][rank] = inside ? m.p[(k + rank) * m.rows + row + r] : 0.0F;
        }
      });
      block.each_thread([&](int thread) {
        const Strip strip{m.grad + row * m.columns + column, m.columns, rows,
                          static_cast<int>(least(kTallColumns, m.columns - column))};
        if (ranks == 1) {
          multiply<1>(strip, thread, shared);
        } else if (ranks == 2) {
          multiply<2>(strip, thread, shared);
        } else if (ranks <= 4) {
          multiply<4>(strip, thread, shared);
        } else {
          multiply<kRanks>(strip, thread, shared);
        }
      });
      block.each_thread([&](int thread) {
        for (int e = thread; e < ranks * kTallColumns; e += kThreads) {
          const int rank = e / kTallColumns, c = e % kTallColumns;
          if (column + c >= m.columns) continue;
          float sum = 0;
          for (int warp = 0; warp < kWarps; ++warp) sum += shared.sums[warp][rank][c];
          out[(k + rank) * m.columns + column + c] = finite ? sum : 0.0F;
        }
      });
    }
  }

 private:
  struct Strip {
    const float* grad;
    std::int64_t stride;
    int rows, columns;
  };

  template <int Ranks>
  SPILLWAY_DEVICE static void multiply(const Strip& strip, int thread, Shared& shared) {
    const int warp = thread / kLanes, lane = thread % kLanes;
    const auto end = static_cast<int>(least((warp + std::int64_t{1}) * kRows, strip.rows));
    float sums[Ranks][kColumns] = {};
    for (int first = warp * kRows; first < end; first += kStep) {
      float values[kStep][kColumns];  // all asked for before the first is used
      for (int r = 0; r < kStep; ++r) {
        for (int c = 0; c < kColumns; ++c) {
          const int j = lane + c * kLanes;
          const bool inside = first + r < end && j < strip.columns;
          values[r][c] = inside ? strip.grad[(first + r) * strip.stride + j] : 0.0F;
        }
      }
      for (int r = 0; r < kStep; ++r) {
        for (int k = 0; k < Ranks; ++k) {
          const float weight = shared.weights[first + r][k];
          for (int c = 0; c < kColumns; ++c) sums[k][c] += weight * values[r][c];
        }
      }
    }
    for (int k = 0; k < Ranks; ++k) {
      for (int c = 0; c < kColumns; ++c) shared.sums[warp][k][lane + c * kLanes] = sums[k][c];
    }
  }
};

}  // namespace spillway::compression::batched
