#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "configs/schema.hpp"
#include "trainer/model/parameter_store.hpp"

namespace spillway::trainer {

/// One piece of optimizer state: a float32 view, in the parameter's shape. name is
/// "<parameter>/exp_avg" or "<parameter>/exp_avg_sq".
struct OptimizerState {
  std::string name;
  std::string parameter;
  at::Tensor tensor;
};

/// AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2) over the flat buffers of a
/// ParameterStore, fused: two passes, one over what decays and one over the rest. A step that is
/// not taken (the ranks voted to skip it) simply is not called and changes nothing.
class AdamW {
 public:
  /// `store` must outlive this object; its `moments` are zero and no step was taken.
  AdamW(const config::OptimizerConfig& config, ParameterStore& store);

  /// Updates weights and moments from gradients() x gradient_scale, which it leaves scaled (see
  /// clip_coefficient).
  void step(double learning_rate, double gradient_scale = 1.0);

  std::int64_t steps_taken() const { return steps_taken_; }
  void set_steps_taken(std::int64_t steps);
  /// Views of both moments of every parameter, for checkpoints: read them, or write them to load.
  std::vector<OptimizerState> state() const;

  const at::Tensor& exp_avg() const { return exp_avg_; }  ///< [numel], as ParameterStore::weights()
  const at::Tensor& exp_avg_sq() const { return exp_avg_sq_; }  ///< [numel]

 private:
  void update(std::int64_t begin, std::int64_t length, double learning_rate, double weight_decay);

  config::OptimizerConfig config_;
  ParameterStore& store_;
  at::Tensor exp_avg_, exp_avg_sq_;
  at::Tensor step_;  ///< float32 [], what the fused kernel reads the bias correction from
  std::int64_t steps_taken_ = 0;
};

}  // namespace spillway::trainer
