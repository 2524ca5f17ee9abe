#include "compression/payload.hpp"

#include <functional>
#include <numeric>

#include "compression/low_rank/low_rank_shape.hpp"

namespace spillway::compression {

std::int64_t payload_bytes(const config::CompressionConfig& config,
                           const std::vector<ParameterShape>& parameters) {
  const bool low_rank = config.method == "powersgd";
  std::int64_t elements = 0;
  for (const ParameterShape& parameter : parameters) {
    const LowRankShape shape = low_rank_shape(parameter.shape, config.approximation_rank);
    const bool compressed = low_rank && worth_compressing(shape, config.min_compression_rate);
    elements += compressed ? shape.compressed() : shape.dense();
  }
  const bool half = config.method == "bf16" || (low_rank && config.wire == "bf16");
  return elements * (half ? 2 : 4);
}

}  // namespace spillway::compression
