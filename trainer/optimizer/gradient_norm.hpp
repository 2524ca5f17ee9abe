#pragma once

#include <cstdint>
#include <vector>

#include "trainer/model/parameter_store.hpp"

namespace spillway::trainer {

/// The squared L2 norm of one parameter's gradient, with its place in the whole model's order.
struct SquaredNorm {
  std::int64_t index = 0;
  double value = 0;
};

/// Squared norms, in float64, of the gradients of a slice's parameters, tied copies left out: over
/// all stages every parameter of the model is there once. They depend on each parameter's gradient
/// alone, so any layout gives the same numbers; the caller gathers those of all stages. Not finite
/// exactly if the gradient has a NaN or an Inf: float64 holds the square of any float32.
std::vector<SquaredNorm> squared_norms(const ParameterStore& store);

/// Root of the sum, taken in the whole model's order, so that the layout does not change a bit.
/// `norms` of all stages, in any order.
double global_norm(std::vector<SquaredNorm> norms);

/// What to multiply gradients with so that their global norm is at most `clip_norm`; 1 if it is
/// already, or if clip_norm is 0 (off).
double clip_coefficient(double norm, double clip_norm);

/// No NaN and no Inf.
bool all_finite(const at::Tensor& values);

}  // namespace spillway::trainer
