#include "trainer/stage_options.hpp"

namespace spillway::trainer {

StageOptions stage_options(const config::Config& config, const config::ModelConfig& model,
                           const Slice& slice, Recompute recompute, c10::Device device) {
  const PrecisionMode precision = precision_mode(config.precision.mode);
  return {.model = model,
          .slice = slice,
          .precision = precision,
          .device = device,
          .microbatch_size = config.parallel.microbatch_size,
          .edge_type = edge_type(config.parallel.edge_dtype, precision),
          .sum_in_tree = config.parallel.reproducible,
          .recompute = recompute,
          .recompute_layers = config.parallel.recompute_layers};
}

}  // namespace spillway::trainer
