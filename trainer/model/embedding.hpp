#pragma once

#include "trainer/model/weight.hpp"

namespace spillway::trainer {

/// Rows of `token` [V, D] for tokens [B, T] (int64), plus row t of `position` [>= T, D] if that is
/// defined: [B, T, D] in the type of the tables. Gradients are summed in float32 in token order,
/// one row after the other: deterministic, and not swamped by frequent tokens. The sums
/// (WeightGradients) are all there is to its backward.
at::Tensor embed(const at::Tensor& tokens, const Weight& token, const Weight& position);

}  // namespace spillway::trainer
