#pragma once

#include <cstdint>
#include <limits>

#include "compression/low_rank/device.hpp"
#include "compression/low_rank/side.hpp"

namespace spillway::compression::batched {

// What a kernel sees of a batch: plain structs in the memory of the device. A grid has one block
// for every tile of every matrix; tables of the first tile of each matrix tell a block its own.

inline constexpr int kThreads = 256;  ///< of a block
inline constexpr int kLanes = 32;
inline constexpr int kWarps = kThreads / kLanes;
inline constexpr int kMaxRank = 64;
inline constexpr float kNotANumber = std::numeric_limits<float>::quiet_NaN();

/// Tiles of the gradient [rows, columns], row of tiles by row of tiles. Where a product sums across
/// tiles, each leaves a part, and the parts are added in order.
inline constexpr int kTileRows = 32, kTileColumns = 512;
/// The same for P gradient, which sums over the rows; column of tiles by column of tiles.
inline constexpr int kTallRows = 256, kTallColumns = 128;
/// Elements of a factor that a block adds up or looks at, and columns that it multiplies.
inline constexpr int kElements = 1024, kFactorColumns = 512;

enum Tiling : std::uint8_t {
  kGradientTiles,
  kTallTiles,
  kLeftElements,
  kRightElements,
  kLeftColumns,
  kRightColumns,
  kTilings
};

/// A factor [rank, across] in work.
struct Factor {
  float* values = nullptr;
  std::int64_t across = 0;
};

/// See LowRankMatrix. Null: error: none to add; kept: nothing is kept.
struct Matrix {
  std::int64_t rows = 0, columns = 0;
  int rank = 0;
  int across_tiles = 0;  ///< tiles of the gradient side by side: parts of P
  int tall_tiles = 0;    ///< one above the other: parts of Q
  float* grad = nullptr;
  const float* error = nullptr;
  float* p = nullptr;
  float* q = nullptr;
  const float* own_p = nullptr;
  const float* own_q = nullptr;
  float* kept = nullptr;

  float* parts = nullptr;          ///< of P or Q: [part, rank, across]
  double* gram_parts = nullptr;    ///< of Gram matrices, lower triangles: [tile, pair]
  double* inverse = nullptr;       ///< of the Cholesky factors of both passes: [2, rank, rank]
  double* rows_work = nullptr;     ///< a factor in float64
  double* square_parts = nullptr;  ///< of what is kept: [tile]
};

/// How far the factor in work is.
enum class Pass : std::int32_t {
  singular,  ///< left to Gram-Schmidt
  rough,     ///< needs a second pass of CholeskyQR
  first,     ///< the first inverse makes it orthonormal
  second,    ///< the second one does
  out        ///< not finite: stays as it is
};

struct Outcome {
  double kept_squares = 0;
  std::int32_t finite = 1;
  Pass pass = Pass::out;
};

struct Batch {
  const Matrix* matrices = nullptr;
  const std::int64_t* first_tiles = nullptr;  ///< [tiling, count + 1]
  Outcome* outcomes = nullptr;
  int count = 0;
  Side side = Side::left;  ///< the factor in work
  bool add_error = false;  ///< for the product with Q^T
};

/// What a block works on. Kernels copy the matrix: what lies in registers is not read again after
/// every write through one of its pointers.
struct Tile {
  const Matrix& matrix;
  Outcome& outcome;
  std::int64_t index;  ///< among the tiles of the matrix
  std::int64_t count;  ///< of them
};

SPILLWAY_DEVICE inline Tile find_tile(const Batch& batch, Tiling tiling, std::int64_t block) {
  const std::int64_t* first = batch.first_tiles + tiling * (batch.count + std::int64_t{1});
  int low = 0, high = batch.count;  // first[low] <= block < first[high]
  while (high - low > 1) {
    const int middle = (low + high) / 2;
    (first[middle] <= block ? low : high) = middle;
  }
  return {batch.matrices[low], batch.outcomes[low], block - first[low],
          first[low + 1] - first[low]};
}

SPILLWAY_DEVICE inline Factor factor(const Matrix& m, Side side) {
  return side == Side::left ? Factor{m.p, m.rows} : Factor{m.q, m.columns};
}

SPILLWAY_DEVICE inline std::int64_t least(std::int64_t a, std::int64_t b) { return a < b ? a : b; }

/// False for inf and nan.
template <class Number>
SPILLWAY_DEVICE bool is_finite(Number x) {
  return x - x == 0;
}

}  // namespace spillway::compression::batched
