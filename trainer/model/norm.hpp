#pragma once

#include "trainer/model/weight.hpp"

namespace spillway::trainer {

struct NormWeights {
  Weight gain;       ///< [D]; float32 where it is trained
  Weight bias = {};  ///< [D]; undefined: RMSNorm
};

/// LayerNorm (Ba et al. 2016, arXiv:1607.06450), or RMSNorm (Zhang and Sennrich 2019,
/// arXiv:1910.07467) without a bias. Differentiable in x. The weights' gradients fall off in the
/// same pass over the rows as that of x, so they are computed with it, and only their addition is
/// left to WeightGradients: x is not kept for it.
at::Tensor norm(const at::Tensor& x, const NormWeights& weights, double epsilon);

}  // namespace spillway::trainer
