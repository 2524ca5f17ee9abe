#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace spillway::trainer {

/// Sines and cosines of rotary positions, float32 [T, 1, head_size / 2] each: in bfloat16,
/// positions beyond 256 would collide.
struct RotaryTables {
  at::Tensor cosine;
  at::Tensor sine;
};

RotaryTables rotary_tables(std::int64_t length, std::int64_t head_size, double theta,
                           c10::Device device);

/// Rotates x [B, T, heads, head_size] by its position. The two halves of a head are the coordinates
/// of the planes, as in Hugging Face's Llama (Su et al. 2021, RoFormer, arXiv:2104.09864,
/// section 3.2.2, pairs (i, i + head_size / 2)). Computed in float32, rounded once to the type of
/// x. T may be shorter than the tables.
at::Tensor rotate(const at::Tensor& x, const RotaryTables& tables);

}  // namespace spillway::trainer
