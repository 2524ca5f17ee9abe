#pragma once

#include <cstdint>
#include <vector>

namespace spillway::compression {

/// A parameter as a matrix [rows, columns] and the rank of its approximation.
struct LowRankShape {
  std::int64_t rows = 0;
  std::int64_t columns = 0;
  std::int64_t approximation_rank = 0;

  std::int64_t dense() const { return rows * columns; }
  /// Elements of both factors.
  std::int64_t compressed() const { return (rows + columns) * approximation_rank; }
};

/// [s0, s1, ...] as [s0, s1 s2 ...], the rank clamped to both; a scalar is 1 x 1.
LowRankShape low_rank_shape(const std::vector<std::int64_t>& shape,
                            std::int64_t approximation_rank);

/// PyTorch's rule: the factors, `min_compression_rate` times, are strictly fewer elements than the
/// matrix.
bool worth_compressing(const LowRankShape& shape, double min_compression_rate);

}  // namespace spillway::compression
