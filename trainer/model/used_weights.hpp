#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "trainer/model/blocks.hpp"
#include "trainer/model/embedding.hpp"
#include "trainer/model/parameter_store.hpp"
#include "trainer/precision/mode.hpp"

namespace spillway::trainer {

/// The weights of a slice as its forward pass uses them. In fp32 and bf16-amp these are the master
/// weights. In bf16-qat they are bfloat16 copies, rounded once after every change of the masters
/// and not once per micro-batch, with straight-through gradients into the float32 accumulators;
/// norm weights are rounded too, but stay float32 tensors. Where gradients are off, nothing is tied
/// to autograd.
class UsedWeights {
 public:
  /// `store` must outlive this object.
  UsedWeights(const config::ModelConfig& model, const ParameterStore& store, PrecisionMode mode);

  /// Rounds anew if the masters changed since the last call (ParameterStore::version).
  void refresh();

  LookupTable token_table() const { return table(store_.at(kTokenEmbedding)); }
  LookupTable position_table() const;  ///< llama: all undefined
  LayerWeights layer(std::int64_t number) const;
  NormWeights final_norm() const { return norm("final_norm"); }
  at::Tensor head() const;  ///< [padded vocabulary, D]

 private:
  LookupTable table(const Parameter& parameter) const;
  LinearWeights linear(const std::string& name) const;
  NormWeights norm(const std::string& name) const;
  at::Tensor gemm_operand(const Parameter& parameter) const;
  at::Tensor norm_operand(const Parameter& parameter) const;
  at::Tensor rounded(const Parameter& parameter) const;

  const config::ModelConfig& model_;
  const ParameterStore& store_;
  PrecisionMode mode_;
  at::Tensor rounded_;       ///< bfloat16 [numel]: all masters, rounded; bf16-qat only
  at::Tensor rounded_wide_;  ///< float32 [numel - decay_numel]: the rounded vectors
  std::int64_t seen_version_ = -1;
};

}  // namespace spillway::trainer
