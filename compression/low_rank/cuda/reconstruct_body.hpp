#pragma once

#include "compression/low_rank/cuda/batch_view.hpp"

namespace spillway::compression::batched {

/// Kept = gradient - own P^T own Q, gradient = P^T Q, and the sum of squares of what is kept, in
/// one pass. A warp holds kRows rows of kColumns columns a lane in registers. The gradient of a
/// matrix that is out becomes nan.
struct ReconstructBody {
  static constexpr int kRows = kTileRows / kWarps;
  static constexpr int kColumns = 4;

  struct Shared {
    float weights[kMaxRank][kTileRows];  // of P
    float own_weights[kMaxRank][kTileRows];
    double squares[kThreads];
  };

  template <class Block>
  SPILLWAY_DEVICE static void run(const Block& block, const Batch& batch, Shared& shared) {
    const Tile tile = find_tile(batch, kGradientTiles, block.index());
    const Matrix m = tile.matrix;
    const bool finite = tile.outcome.finite != 0;
    const std::int64_t row = tile.index / m.across_tiles * kTileRows;
    const std::int64_t first = tile.index % m.across_tiles * kTileColumns;
    const std::int64_t last = least(first + kTileColumns, m.columns);
    block.each_thread([&](int thread) {
      for (int e = thread; e < m.rank * kTileRows; e += kThreads) {
        const int k = e / kTileRows, r = e % kTileRows;
        const std::int64_t at = k * m.rows + row + r;
        shared.weights[k][r] = row + r < m.rows ? m.p[at] : 0.0F;
        shared.own_weights[k][r] = row + r < m.rows ? m.own_p[at] : 0.0F;
      }
    });
    block.each_thread([&](int thread) {
      const Strip strip{row, first, last};
      if (!finite) {
        spoil(m, strip, thread);
      } else if (m.kept == nullptr) {
        rebuild<false>(m, strip, thread, shared);
      } else {
        rebuild<true>(m, strip, thread, shared);
      }
    });
    if (!finite || m.kept == nullptr) return;
    for (int half = kThreads / 2; half > 0; half /= 2) {
      block.each_thread([&](int thread) {
        if (thread < half) shared.squares[thread] += shared.squares[thread + half];
      });
    }
    block.each_thread([&](int thread) {
      if (thread == 0) m.square_parts[tile.index] = shared.squares[0];
    });
  }

 private:
  struct Strip {
    std::int64_t row, first, last;
  };

  SPILLWAY_DEVICE static void spoil(const Matrix& m, const Strip& strip, int thread) {
    const std::int64_t end = least(strip.row + kTileRows, m.rows);
    for (std::int64_t i = strip.row + thread / kLanes; i < end; i += kWarps) {
      for (std::int64_t j = strip.first + thread % kLanes; j < strip.last; j += kLanes)
        m.grad[i * m.columns + j] = kNotANumber;
    }
  }

  template <bool Keep>
  SPILLWAY_DEVICE static void rebuild(const Matrix& m, const Strip& strip, int thread,
                                      Shared& shared) {
    const int r = thread / kLanes * kRows;
    double squares = 0;
    for (std::int64_t j = strip.first + thread % kLanes; j < strip.last;
         j += std::int64_t{kColumns} * kLanes)
      squares += rebuild_columns<Keep>(m, strip, r, j, shared);
    shared.squares[thread] = squares;
  }

  /// Columns j, j + kLanes, ... of rows r, r + 1, ... of the strip.
  template <bool Keep>
  SPILLWAY_DEVICE static float rebuild_columns(const Matrix& m, const Strip& strip, int r,
                                               std::int64_t j, const Shared& shared) {
    float sent[kRows][kColumns] = {}, kept[kRows][kColumns];
    for (int i = 0; Keep && i < kRows; ++i) {
      for (int c = 0; c < kColumns; ++c)
        kept[i][c] = inside(m, strip, r + i, j, c) ? m.grad[at(m, strip, r + i, j, c)] : 0.0F;
    }
    for (int k = 0; k < m.rank; ++k) {
      for (int c = 0; c < kColumns; ++c) {
        const std::int64_t column =
            k * m.columns + least(j + std::int64_t{kLanes} * c, strip.last - 1);
        const float mean = m.q[column], own = Keep ? m.own_q[column] : 0.0F;
        for (int i = 0; i < kRows; ++i) {
          sent[i][c] += shared.weights[k][r + i] * mean;
          if (Keep) kept[i][c] -= shared.own_weights[k][r + i] * own;
        }
      }
    }
    float squares = 0;
    for (int i = 0; i < kRows; ++i) {
      for (int c = 0; c < kColumns; ++c) {
        if (!inside(m, strip, r + i, j, c)) continue;
        m.grad[at(m, strip, r + i, j, c)] = sent[i][c];
        if (!Keep) continue;
        m.kept[at(m, strip, r + i, j, c)] = kept[i][c];
        squares += kept[i][c] * kept[i][c];
      }
    }
    return squares;
  }

  SPILLWAY_DEVICE static bool inside(const Matrix& m, const Strip& strip, int r, std::int64_t j,
                                     int c) {
    return strip.row + r < m.rows && j + std::int64_t{kLanes} * c < strip.last;
  }
  SPILLWAY_DEVICE static std::int64_t at(const Matrix& m, const Strip& strip, int r, std::int64_t j,
                                         int c) {
    return (strip.row + r) * m.columns + j + std::int64_t{kLanes} * c;
  }
};

}  // namespace spillway::compression::batched
