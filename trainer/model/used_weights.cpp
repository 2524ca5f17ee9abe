#include "trainer/model/used_weights.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "trainer/precision/quantize.hpp"

namespace spillway::trainer {

UsedWeights::UsedWeights(const config::ModelConfig& model, const ParameterStore& store,
                         PrecisionMode mode)
    : model_(model), store_(store), mode_(mode) {}

void UsedWeights::refresh(WeightGradientsPtr gradients) {
  gradients_ = std::move(gradients);
  const std::int64_t version = store_.version();
  if (mode_ == PrecisionMode::fp32 || version == seen_version_) return;
  const at::NoGradGuard no_grad;
  rounded_ = round_to_bf16(store_.weights());
  rounded_wide_ = rounded_.narrow(0, store_.decay_numel(), store_.numel() - store_.decay_numel())
                      .to(at::kFloat);
  seen_version_ = version;
}

at::Tensor UsedWeights::rounded(const Parameter& parameter) const {
  return rounded_.narrow(0, parameter.offset, parameter.spec.numel()).view(parameter.spec.shape);
}

Weight UsedWeights::trained(const Parameter& parameter, at::Tensor used) const {
  if (!gradients_) return {std::move(used)};
  return {std::move(used), parameter.gradient, gradients_};
}

Weight UsedWeights::gemm_operand(const Parameter& parameter) const {
  return trained(parameter, mode_ == PrecisionMode::fp32 ? parameter.weight : rounded(parameter));
}

Weight UsedWeights::norm_operand(const Parameter& parameter) const {
  if (mode_ != PrecisionMode::bf16_qat) return trained(parameter, parameter.weight);
  const std::int64_t offset = parameter.offset - store_.decay_numel();
  Weight weight = trained(parameter, rounded_wide_.narrow(0, offset, parameter.spec.numel()));
  weight.masked_by = parameter.weight;
  return weight;
}

Weight UsedWeights::table(const Parameter& parameter) const {
  return trained(parameter,
                 mode_ == PrecisionMode::bf16_qat ? rounded(parameter) : parameter.weight);
}

Weight UsedWeights::position_table() const {
  return model_.family == "gpt2" ? table(store_.at("embedding.position.weight")) : Weight{};
}

LinearWeights UsedWeights::linear(const std::string& name) const {
  LinearWeights weights{gemm_operand(store_.at(name + ".weight")), {}};
  if (store_.contains(name + ".bias")) weights.bias = gemm_operand(store_.at(name + ".bias"));
  return weights;
}

NormWeights UsedWeights::norm(const std::string& name) const {
  NormWeights weights{norm_operand(store_.at(name + ".weight")), {}};
  if (store_.contains(name + ".bias")) weights.bias = norm_operand(store_.at(name + ".bias"));
  return weights;
}

LayerWeights UsedWeights::layer(std::int64_t number) const {
  const std::string prefix = "layers." + std::to_string(number) + ".";
  return {.attention_norm = norm(prefix + "attention_norm"),
          .query_key_value = linear(prefix + "attention.query_key_value"),
          .attention_output = linear(prefix + "attention.output"),
          .mlp_norm = norm(prefix + "mlp_norm"),
          .mlp_in = linear(prefix + (model_.family == "gpt2" ? "mlp.up" : "mlp.gate_up")),
          .mlp_out = linear(prefix + "mlp.down")};
}

LinearWeights UsedWeights::head() const {
  return {gemm_operand(model_.tied_embeddings ? store_.tied_head() : store_.at("head.weight"))};
}

}  // namespace spillway::trainer
