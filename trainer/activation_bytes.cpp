#include "trainer/activation_bytes.hpp"

namespace spillway::trainer {

namespace {

/// Numbers that one layer keeps, in all and of its MLP half behind that half's input.
struct LayerNumbers {
  double all, behind_mlp_input;
};

LayerNumbers layer_numbers(const config::ModelConfig& model) {
  const auto h = static_cast<double>(model.hidden);
  const auto f = static_cast<double>(model.mlp_hidden);
  const double k = static_cast<double>(model.kv_heads) / static_cast<double>(model.heads);
  if (model.family == "llama") return {h * (6 + 2 * k) + h * (1 + k) + 4 * f, h + 4 * f};
  return {h * (6 + 2 * k) + 2 * f, h + 2 * f};
}

}  // namespace

double activation_bytes_per_token(const config::ModelConfig& model, const Slice& slice,
                                  double element_bytes) {
  double numbers = layer_numbers(model).all * static_cast<double>(slice.layer_count);
  if (slice.has_head) {
    numbers += static_cast<double>(2 * model.hidden + padded_vocabulary(model));
  }
  return element_bytes * numbers;
}

double split_bytes_per_token(const config::ModelConfig& model, const Slice& slice,
                             double element_bytes) {
  const auto h = static_cast<double>(model.hidden);
  const auto f = static_cast<double>(model.mlp_hidden);
  const double k = static_cast<double>(model.kv_heads) / static_cast<double>(model.heads);
  const double layer = h * (6 + 2 * k) + (model.family == "llama" ? 3 : 2) * f;
  double numbers = layer * static_cast<double>(slice.layer_count);
  if (slice.has_head) numbers += static_cast<double>(model.hidden + padded_vocabulary(model));
  constexpr double kRowBytes = 4;
  return element_bytes * numbers + (slice.has_embedding ? kRowBytes * h : 0);
}

double kept_bytes_per_token(const config::ModelConfig& model, const Slice& slice,
                            double element_bytes, Recompute recompute, std::int64_t layers) {
  const LayerNumbers layer = layer_numbers(model);
  const auto count = static_cast<double>(recomputed_layers(slice, recompute, layers));
  const double given_up = recompute == Recompute::full
                              ? count * layer.all - static_cast<double>(model.hidden)
                              : count * layer.behind_mlp_input;
  return activation_bytes_per_token(model, slice, element_bytes) - element_bytes * given_up;
}

}  // namespace spillway::trainer
