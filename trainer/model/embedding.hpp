#pragma once

#include <ATen/core/Tensor.h>

namespace spillway::trainer {

/// A table that is read by row: `used` is what the lookup reads (master or bfloat16 copy),
/// `gradient` the float32 accumulator. `leaf` ties the result to the autograd graph; undefined: no
/// gradient.
struct LookupTable {
  at::Tensor leaf;
  at::Tensor used;
  at::Tensor gradient;
};

/// Rows of `token` [V, D] for tokens [B, T] (int64), plus row t of `position` [>= T, D] if that is
/// defined: [B, T, D] in the type of the tables. Gradients are summed in float32 in token order,
/// one row after the other: deterministic, and not swamped by frequent tokens.
at::Tensor embed(const at::Tensor& tokens, const LookupTable& token, const LookupTable& position);

}  // namespace spillway::trainer
