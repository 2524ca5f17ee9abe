#include "trainer/model/blocks.hpp"

#include <ATen/ATen.h>

#include <vector>

namespace spillway::trainer {
namespace {

using config::ModelConfig;

/// [B, T, heads, head_size] -> [B, heads, T, head_size]
at::Tensor heads_first(const at::Tensor& x) { return x.transpose(1, 2); }

}  // namespace

at::Tensor attention(const at::Tensor& x, const LayerWeights& weights, const ModelConfig& model,
                     const RotaryTables& rotary) {
  const std::int64_t batch = x.size(0);
  const std::int64_t length = x.size(1);
  const std::int64_t head_size = model.hidden / model.heads;
  const at::Tensor projected =
      linear(x, weights.query_key_value).view({batch, length, -1, head_size});
  // One split: its backward writes the three gradients side by side, once.
  std::vector<at::Tensor> parts =
      projected.split_with_sizes({model.heads, model.kv_heads, model.kv_heads}, 2);
  if (model.family == "llama") {
    parts[0] = rotate(parts[0], rotary);
    parts[1] = rotate(parts[1], rotary);
  }
  const at::Tensor query = heads_first(parts[0]);
  const at::Tensor key = heads_first(parts[1]);
  const at::Tensor value = heads_first(parts[2]);
  const bool grouped = model.kv_heads != model.heads;
  const at::Tensor mixed =
      at::scaled_dot_product_attention(query, key, value, {}, 0.0, true, std::nullopt, grouped);
  return linear(heads_first(mixed).reshape({batch, length, model.hidden}),
                weights.attention_output);
}

at::Tensor mlp(const at::Tensor& x, const LayerWeights& weights, const ModelConfig& model) {
  const at::Tensor inner = linear(x, weights.mlp_in);
  if (model.family == "gpt2") return linear(at::gelu(inner, "tanh"), weights.mlp_out);
  const std::vector<at::Tensor> gate_up = inner.chunk(2, -1);
  return linear(at::silu(gate_up[0]) * gate_up[1], weights.mlp_out);
}

at::Tensor layer(const at::Tensor& x, const LayerWeights& weights, const ModelConfig& model,
                 const RotaryTables& rotary) {
  const at::Tensor attended =
      x + attention(norm(x, weights.attention_norm, model.norm_epsilon), weights, model, rotary);
  return attended + mlp(norm(attended, weights.mlp_norm, model.norm_epsilon), weights, model);
}

}  // namespace spillway::trainer
