#pragma once

#include <ATen/core/Tensor.h>

namespace spillway::trainer {

/// From this magnitude on a finite float32 rounds to an infinite bfloat16.
inline constexpr float kBf16Overflow = 0x1.ffp127F;  // 3.3961775e38

/// The nearest bfloat16, ties to even; NaN stays NaN, Inf stays Inf, the sign of zero stays.
/// Returns a bfloat16 tensor.
at::Tensor round_to_bf16(const at::Tensor& values);

/// A float32 tensor whose values are those of bfloat16: what a bfloat16 model holds, in the type
/// that norms compute in.
at::Tensor round_through_bf16(const at::Tensor& values);

/// The straight-through estimator of a weight: the value is `rounded`, and its gradient is added,
/// as float32, to `gradient` as if no rounding had happened. `master` only ties the result to the
/// autograd graph; its own .grad stays as it is. `rounded` may be a cast made once for many uses. A
/// gradient that is itself bfloat16 is accumulated in float32, so small ones are not swamped. With
/// `mask_overflow`, entries whose master is beyond kBf16Overflow get no gradient: rounding is flat
/// there.
at::Tensor straight_through(const at::Tensor& master, const at::Tensor& rounded,
                            const at::Tensor& gradient, bool mask_overflow = false);

}  // namespace spillway::trainer
