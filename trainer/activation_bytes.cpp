#include "trainer/activation_bytes.hpp"

namespace spillway::trainer {

double activation_bytes_per_token(const config::ModelConfig& model, const Slice& slice,
                                  double element_bytes) {
  const auto h = static_cast<double>(model.hidden);
  const auto f = static_cast<double>(model.mlp_hidden);
  const double k = static_cast<double>(model.kv_heads) / static_cast<double>(model.heads);
  const bool rotary = model.family == "llama";
  const double layer = h * (6 + 2 * k) + (rotary ? h * (1 + k) + 4 * f : 2 * f);
  double bytes = element_bytes * layer * static_cast<double>(slice.layer_count);
  if (slice.has_head) {
    bytes += element_bytes * (2 * h + static_cast<double>(padded_vocabulary(model)));
  }
  return bytes;
}

}  // namespace spillway::trainer
