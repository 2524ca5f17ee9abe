#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "trainer/model/blocks.hpp"
#include "trainer/model/parameter_store.hpp"
#include "trainer/precision/mode.hpp"

namespace spillway::trainer {

/// The weights of a slice as its forward passes use them. In fp32 they are the master weights. In
/// the bf16 modes they are bfloat16 copies, rounded once after every change of the masters and not
/// once per micro-batch; bf16-qat rounds the tables of the lookups too, and the norms' weights,
/// which stay float32 tensors.
class UsedWeights {
 public:
  /// `store` must outlive this object.
  UsedWeights(const config::ModelConfig& model, const ParameterStore& store, PrecisionMode mode);

  /// Rounds anew if the masters changed since the last call (ParameterStore::version). The weights
  /// given out from here on hand their gradients to `gradients`; null: they are not trained.
  void refresh(WeightGradientsPtr gradients);

  Weight token_table() const { return table(store_.at(kTokenEmbedding)); }
  Weight position_table() const;  ///< llama: undefined
  LayerWeights layer(std::int64_t number) const;
  NormWeights final_norm() const { return norm("final_norm"); }
  LinearWeights head() const;  ///< [padded vocabulary, D]

 private:
  Weight table(const Parameter& parameter) const;
  LinearWeights linear(const std::string& name) const;
  NormWeights norm(const std::string& name) const;
  Weight trained(const Parameter& parameter, at::Tensor used) const;
  Weight gemm_operand(const Parameter& parameter) const;
  Weight norm_operand(const Parameter& parameter) const;
  at::Tensor rounded(const Parameter& parameter) const;

  const config::ModelConfig& model_;
  const ParameterStore& store_;
  PrecisionMode mode_;
  WeightGradientsPtr gradients_;
  at::Tensor rounded_;       ///< bfloat16 [numel]: all masters, rounded; not in fp32
  at::Tensor rounded_wide_;  ///< float32 [numel - decay_numel]: the rounded vectors
  std::int64_t seen_version_ = -1;
};

}  // namespace spillway::trainer
