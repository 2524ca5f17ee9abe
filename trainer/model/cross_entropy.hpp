#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

namespace spillway::trainer {

/// Marks a position without a target.
inline constexpr std::int64_t kIgnoredTarget = -100;

/// Sum over positions of -log softmax(logits)[target], computed in float32 and summed in float64: a
/// 0-dim float64 tensor. logits [N, V] of any float type, of which the first `vocabulary` columns
/// count; targets [N] int64 in [0, vocabulary) or kIgnoredTarget. With `gradient_scale`, logits are
/// overwritten by gradient_scale x the gradient of the sum, rounded once to their type; columns
/// beyond `vocabulary` get zero. No graph is recorded.
at::Tensor cross_entropy(const at::Tensor& logits, const at::Tensor& targets,
                         std::int64_t vocabulary, std::optional<double> gradient_scale);

}  // namespace spillway::trainer
