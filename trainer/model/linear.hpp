#pragma once

#include "trainer/model/weight.hpp"

namespace spillway::trainer {

struct LinearWeights {
  Weight weight;     ///< [outputs, inputs]
  Weight bias = {};  ///< [outputs]; undefined: none
};

/// x weight^T + bias, over the last dim of x; x and the weights are of one type. Differentiable in
/// x; the weights' gradients are a sum of their own (WeightGradients), until which x and the
/// output's gradient are kept.
at::Tensor linear(const at::Tensor& x, const LinearWeights& weights);

}  // namespace spillway::trainer
