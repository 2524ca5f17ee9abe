#include "trainer/model/blocks.hpp"

#include <ATen/ATen.h>

namespace spillway::trainer {
namespace {

using config::ModelConfig;

at::Tensor linear(const at::Tensor& x, const LinearWeights& weights) {
  if (!weights.bias.defined()) return at::linear(x, weights.weight);
  return at::linear(x, weights.weight, weights.bias);
}

/// [B, T, heads, head_size] -> [B, heads, T, head_size]
at::Tensor heads_first(const at::Tensor& x) { return x.transpose(1, 2); }

}  // namespace

at::Tensor norm(const at::Tensor& x, const NormWeights& weights, double epsilon) {
  const std::int64_t hidden = x.size(-1);
  const at::Tensor gain = weights.gain.to(at::kFloat);
  if (!weights.bias.defined())
    return at::rms_norm(x.to(at::kFloat), {hidden}, gain, epsilon).to(x.scalar_type());
  const at::Tensor bias = weights.bias.to(at::kFloat);
  // The CPU kernel takes bfloat16 activations with float32 weights; elsewhere the cast is explicit.
  if (x.is_cpu()) return at::layer_norm(x, {hidden}, gain, bias, epsilon);
  return at::layer_norm(x.to(at::kFloat), {hidden}, gain, bias, epsilon).to(x.scalar_type());
}

at::Tensor attention(const at::Tensor& x, const LayerWeights& weights, const ModelConfig& model,
                     const RotaryTables& rotary) {
  const std::int64_t batch = x.size(0);
  const std::int64_t length = x.size(1);
  const std::int64_t head_size = model.hidden / model.heads;
  const at::Tensor projected =
      linear(x, weights.query_key_value).view({batch, length, -1, head_size});
  at::Tensor query_key = projected.narrow(2, 0, model.heads + model.kv_heads);
  if (model.family == "llama") query_key = rotate(query_key, rotary);
  const at::Tensor query = heads_first(query_key.narrow(2, 0, model.heads));
  const at::Tensor key = heads_first(query_key.narrow(2, model.heads, model.kv_heads));
  const at::Tensor value =
      heads_first(projected.narrow(2, model.heads + model.kv_heads, model.kv_heads));
  const bool grouped = model.kv_heads != model.heads;
  const at::Tensor mixed =
      at::scaled_dot_product_attention(query, key, value, {}, 0.0, true, std::nullopt, grouped);
  return linear(heads_first(mixed).reshape({batch, length, model.hidden}),
                weights.attention_output);
}

at::Tensor mlp(const at::Tensor& x, const LayerWeights& weights, const ModelConfig& model) {
  const at::Tensor inner = linear(x, weights.mlp_in);
  if (model.family == "gpt2") return linear(at::gelu(inner, "tanh"), weights.mlp_out);
  const at::Tensor gate = inner.narrow(-1, 0, model.mlp_hidden);
  const at::Tensor up = inner.narrow(-1, model.mlp_hidden, model.mlp_hidden);
  return linear(at::silu(gate) * up, weights.mlp_out);
}

at::Tensor layer(const at::Tensor& x, const LayerWeights& weights, const ModelConfig& model,
                 const RotaryTables& rotary) {
  const at::Tensor attended =
      x + attention(norm(x, weights.attention_norm, model.norm_epsilon), weights, model, rotary);
  return attended + mlp(norm(attended, weights.mlp_norm, model.norm_epsilon), weights, model);
}

}  // namespace spillway::trainer
