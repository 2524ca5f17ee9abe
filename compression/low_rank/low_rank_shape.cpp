#include "compression/low_rank/low_rank_shape.hpp"

#include <algorithm>

namespace spillway::compression {

LowRankShape low_rank_shape(const std::vector<std::int64_t>& shape,
                            std::int64_t approximation_rank) {
  LowRankShape matrix{.rows = shape.empty() ? 1 : shape[0], .columns = 1};
  for (std::size_t dim = 1; dim < shape.size(); ++dim) matrix.columns *= shape[dim];
  matrix.approximation_rank = std::min({matrix.rows, matrix.columns, approximation_rank});
  return matrix;
}

bool worth_compressing(const LowRankShape& shape, double min_compression_rate) {
  return static_cast<double>(shape.compressed()) * min_compression_rate <
         static_cast<double>(shape.dense());
}

}  // namespace spillway::compression
