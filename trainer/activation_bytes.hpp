#pragma once

#include "trainer/model/parameters.hpp"
#include "trainer/model/recompute.hpp"

namespace spillway::trainer {

/// What autograd keeps of one token from the forward of a slice to its backward: the inputs of
/// norms and GEMMs, query, key, value and result of the attention (flash: no matrix of scores), the
/// inner activations of the MLP, the logits, which their gradient overwrites. `element_bytes`: of
/// one number. Korthikanti et al. 2022, arXiv:2205.05198, 4.1, without dropout and scores: per
/// layer h(6 + 2k) + 2f numbers with GELU, h(6 + 2k) + h(1 + k) + 4f with rotary positions and
/// SwiGLU, where k = kv_heads / heads and f = mlp_hidden. The layers' weights in other number
/// formats, workspaces and what the allocator rounds up are not counted. `model` is resolved.
double activation_bytes_per_token(const config::ModelConfig& model, const Slice& slice,
                                  double element_bytes);

/// What is held in its place from the input half of a split backward (I) to the weight half (W):
/// the inputs of GEMMs and the gradients of their outputs, h(6 + 2k) + 2f numbers per layer with
/// GELU, as many as before, and h(6 + 2k) + 3f with SwiGLU; behind them the gradients of the
/// looked-up rows, in float32.
double split_bytes_per_token(const config::ModelConfig& model, const Slice& slice,
                             double element_bytes);

/// What is left of it from the forward to the recompute.
double kept_bytes_per_token(const config::ModelConfig& model, const Slice& slice,
                            double element_bytes, Recompute recompute, std::int64_t layers);

}  // namespace spillway::trainer
