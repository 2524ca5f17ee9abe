#pragma once

#include <ATen/core/Tensor.h>

namespace spillway::trainer {

/// From this magnitude on a finite float32 rounds to an infinite bfloat16.
inline constexpr float kBf16Overflow = 0x1.ffp127F;  // 3.3961775e38

/// The nearest bfloat16, ties to even; NaN stays NaN, Inf stays Inf, the sign of zero stays.
/// Returns a bfloat16 tensor.
at::Tensor round_to_bf16(const at::Tensor& values);

}  // namespace spillway::trainer
