#include "compression/check_methods.hpp"

#include <algorithm>

#include "compression/low_rank/low_rank_shape.hpp"
#include "configs/compression_rules.hpp"
#include "configs/error.hpp"

namespace spillway::compression {

void check_methods(const config::CompressionConfig& config,
                   const std::vector<ParameterShape>& parameters) {
  if (config.adaptive_rank != "off" && !config.warm_start) {
    fail_input("compression.adaptive_rank = \"" + config.adaptive_rank +
               "\" with compression.warm_start = false; valid: true (the factors of the last step "
               "tell the singular values)");
  }
  std::int64_t largest = 0, asked = 0;
  for (const auto& [name, shape] : parameters) {
    const config::CompressionMethod method = config::method_of(config, name);
    const bool tensors =
        method.method == "acp" || (method.method == "powersgd" && method.matrix == "tensor");
    if (!tensors) continue;
    const LowRankShape matrix = low_rank_shape(shape, method.approximation_rank);
    largest = std::max(largest, std::min(matrix.rows, matrix.columns));
    asked = asked == 0 ? method.approximation_rank : std::min(asked, method.approximation_rank);
  }
  if (asked <= largest) return;
  fail_input("compression.approximation_rank = " + std::to_string(asked) +
             " is larger than any matrix it is for; valid: 1 to " + std::to_string(largest));
}

}  // namespace spillway::compression
