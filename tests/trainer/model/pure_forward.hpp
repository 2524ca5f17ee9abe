#pragma once

#include <ATen/ATen.h>

#include "trainer/model/blocks.hpp"
#include "trainer/model/embedding.hpp"
#include "trainer/model/hugging_face/folder.hpp"
#include "trainer/model/parameter_store.hpp"

/// The forward pass from plain tensors, all of one type: no stage, no master weights, no rounding
/// of weights.
namespace spillway::trainer::small {

/// Every parameter of the model in `type`, rounded to nearest even.
inline NamedTensors in_type(const NamedTensors& tensors, at::ScalarType type) {
  NamedTensors result;
  for (const auto& [name, tensor] : tensors) result.emplace(name, tensor.to(type));
  return result;
}

/// Logits [B, T, padded vocabulary].
inline at::Tensor pure_forward(const config::ModelConfig& model, const NamedTensors& tensors,
                               const at::Tensor& tokens) {
  const auto get = [&](const std::string& name) {
    const auto found = tensors.find(name);
    return found == tensors.end() ? at::Tensor() : found->second;
  };
  const auto linear = [&](const std::string& name) {
    return LinearWeights{get(name + ".weight"), get(name + ".bias")};
  };
  const auto norm_of = [&](const std::string& name) {
    return NormWeights{get(name + ".weight"), get(name + ".bias")};
  };
  const bool gpt2 = model.family == "gpt2";
  const auto rotary =
      rotary_tables(model.sequence_length, model.hidden / model.heads, model.rope_theta, at::kCPU);
  at::Tensor x = embed(tokens, get(kTokenEmbedding), get("embedding.position.weight"));
  for (std::int64_t i = 0; i < model.layers; ++i) {
    const std::string prefix = "layers." + std::to_string(i) + ".";
    const LayerWeights weights{norm_of(prefix + "attention_norm"),
                               linear(prefix + "attention.query_key_value"),
                               linear(prefix + "attention.output"),
                               norm_of(prefix + "mlp_norm"),
                               linear(prefix + (gpt2 ? "mlp.up" : "mlp.gate_up")),
                               linear(prefix + "mlp.down")};
    x = layer(x, weights, model, rotary);
  }
  const at::Tensor head = get(model.tied_embeddings ? kTokenEmbedding : "head.weight");
  return at::linear(norm(x, norm_of("final_norm"), model.norm_epsilon), head);
}

/// All parameters of a store, by name.
inline NamedTensors weights_of(const ParameterStore& store) {
  NamedTensors tensors;
  for (const Parameter& parameter : store.parameters())
    tensors.emplace(parameter.spec.name, parameter.weight);
  return tensors;
}

/// Moves every parameter away from its start, so that no bias is zero and no gain one.
inline void perturb(const ParameterStore& store) {
  const at::NoGradGuard no_grad;
  for (const Parameter& parameter : store.parameters()) {
    const std::int64_t rows =
        parameter.spec.name == kTokenEmbedding || parameter.spec.name == "head.weight"
            ? 101
            : parameter.spec.shape[0];
    const at::Tensor weight = parameter.weight.narrow(0, 0, rows);
    const at::Tensor wave = at::arange(weight.numel(), at::kDouble)
                                .mul(1.7)
                                .add(static_cast<double>(parameter.spec.index))
                                .sin();
    if (parameter.spec.decay) weight.mul_(3);
    weight.add_(wave.mul(parameter.spec.decay ? 0.02 : 0.2).view(weight.sizes()));
  }
}

}  // namespace spillway::trainer::small
