#pragma once

#include "compression/low_rank/cuda/batch_view.hpp"

namespace spillway::compression::batched {

/// P = (gradient Q^T)^T, after gradient += error. A block multiplies a tile of the gradient; a warp
/// holds kRows rows of it in registers with up to kRanks rows of Q, its lanes side by side.
struct ProjectBody {
  static constexpr int kRows = kTileRows / kWarps;
  static constexpr int kColumns = 2;  // of a lane at a time
  static constexpr int kRanks = 8;

  struct Shared {
    float sums[kRanks][kTileRows][kLanes + 1];  // one element more: no bank conflicts
  };

  template <class Block>
  SPILLWAY_DEVICE static void run(const Block& block, const Batch& batch, Shared& shared) {
    const Tile tile = find_tile(batch, kGradientTiles, block.index());
    const Matrix m = tile.matrix;
    const std::int64_t part = tile.index % m.across_tiles;
    const std::int64_t row = tile.index / m.across_tiles * kTileRows;
    const std::int64_t first = part * kTileColumns;
    const std::int64_t last = least(first + kTileColumns, m.columns);
    float* out = m.across_tiles == 1 ? m.p : m.parts + part * m.rank * m.rows;
    for (int k = 0; k < m.rank; k += kRanks) {
      const Strip strip{row, first, last, k, batch.add_error && m.error != nullptr && k == 0};
      const auto ranks = static_cast<int>(least(kRanks, m.rank - k));
      block.each_thread([&](int thread) {
        if (ranks == 1) {
          multiply<1>(m, strip, thread, shared);
        } else if (ranks == 2) {
          multiply<2>(m, strip, thread, shared);
        } else if (ranks <= 4) {
          multiply<4>(m, strip, thread, shared);
        } else {
          multiply<kRanks>(m, strip, thread, shared);
        }
      });
      block.each_thread([&](int thread) {
        const int rank = thread / kTileRows, r = thread % kTileRows;
        if (rank >= ranks || row + r >= m.rows) return;
        float sum = 0;
        for (int lane = 0; lane < kLanes; ++lane) sum += shared.sums[rank][r][lane];
        out[(k + rank) * m.rows + row + r] = sum;
      });
    }
  }

 private:
  struct Strip {
    std::int64_t row, first, last;
    int k;
    bool add_error;
  };

  template <int Ranks>
  SPILLWAY_DEVICE static void multiply(const Matrix& m, const Strip& strip, int thread,
                                       Shared& shared) {
    const int warp = thread / kLanes, lane = thread % kLanes;
    const std::int64_t row = strip.row + std::int64_t{warp} * kRows;
    float sums[kRows][Ranks] = {};
    for (std::int64_t j = strip.first + lane; j < strip.last;
         j += std::int64_t{kColumns} * kLanes) {
      float values[kRows][kColumns];
      load(m, strip, row, j, values);
      for (int k = 0; k < Ranks; ++k) {
        const float* factor = m.q + least(strip.k + k, m.rank - 1) * m.columns;
        for (int c = 0; c < kColumns; ++c) {
          const float weight = factor[least(j + std::int64_t{kLanes} * c, strip.last - 1)];
          for (int r = 0; r < kRows; ++r) sums[r][k] += values[r][c] * weight;
        }
      }
    }
    for (int r = 0; r < kRows; ++r) {
      for (int k = 0; k < Ranks; ++k) shared.sums[k][warp * kRows + r][lane] = sums[r][k];
    }
  }

  /// Columns j, j + kLanes, ... of the gradient's rows, zeros beyond the end; first adds the error.
  /// All that is read is asked for before anything is written.
  SPILLWAY_DEVICE static void load(const Matrix& m, const Strip& strip, std::int64_t row,
                                   std::int64_t j, float (&values)[kRows][kColumns]) {
    const auto inside = [&](int r, int c) {
      return row + r < m.rows && j + std::int64_t{kLanes} * c < strip.last;
    };
    const std::int64_t first = row * m.columns + j;
    for (int r = 0; r < kRows; ++r) {
      for (int c = 0; c < kColumns; ++c)
        values[r][c] =
            inside(r, c) ? m.grad[first + r * m.columns + std::int64_t{kLanes} * c] : 0.0F;
    }
    if (!strip.add_error) return;
    float errors[kRows][kColumns];
    for (int r = 0; r < kRows; ++r) {
      for (int c = 0; c < kColumns; ++c)
        errors[r][c] =
            inside(r, c) ? m.error[first + r * m.columns + std::int64_t{kLanes} * c] : 0.0F;
    }
    for (int r = 0; r < kRows; ++r) {
      for (int c = 0; c < kColumns; ++c) {
        values[r][c] += errors[r][c];
        if (inside(r, c)) m.grad[first + r * m.columns + std::int64_t{kLanes} * c] = values[r][c];
      }
    }
  }
};

}  // namespace spillway::compression::batched
