#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "compression/bucket.hpp"

namespace spillway::trainer {

/// Gradients of a model roughly as training gives them: a part of rank 16 with singular values 1,
/// 1/2, 1/3, ... that replicas share and that stays from step to step, plus noise of the same norm
/// that is new on every replica at every step. Elements have variance 2.
class SyntheticGradients {
 public:
  SyntheticGradients(const std::vector<compression::ParameterShape>& parameters, std::uint64_t seed,
                     int rank, at::Device device);

  /// All gradients in one buffer, float32.
  const at::Tensor& flat() const { return flat_; }
  /// Views of flat() in the order of the parameters.
  const std::vector<compression::NamedGradient>& named() const { return named_; }
  /// Writes the gradients of a step into flat().
  void write(std::int64_t step);

 private:
  at::Tensor flat_, noise_, signal_;
  std::vector<compression::NamedGradient> named_;
};

}  // namespace spillway::trainer
