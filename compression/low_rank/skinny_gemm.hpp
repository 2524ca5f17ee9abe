#pragma once

#include <ATen/core/Tensor.h>

namespace spillway::compression {

// The three products of PowerSGD between a large gradient and factors of few rows. All are bound by
// memory, so each takes one pass over the gradient. Legend: M N rows and columns of the gradient, R
// approximation rank. Factors are stored transposed (q_RN, p_RM), float32, contiguous. On the CPU
// small R runs in vector kernels; everything else goes through ATen.

/// grad_MN += error_MN (when defined), then p_RM = (grad_MN q_RN^T)^T.
void project(const at::Tensor& grad_MN, const at::Tensor& error_MN, const at::Tensor& q_RN,
             at::Tensor& p_RM);

/// q_RN = p_RM grad_MN.
void project_transposed(const at::Tensor& grad_MN, const at::Tensor& p_RM, at::Tensor& q_RN);

/// error_MN = grad_MN - p_RM^T own_RN (when error_MN is defined), grad_MN = p_RM^T q_RN.
/// Returns the sum of squares of error_MN.
double reconstruct(at::Tensor& grad_MN, at::Tensor& error_MN, const at::Tensor& p_RM,
                   const at::Tensor& q_RN, const at::Tensor& own_RN);

}  // namespace spillway::compression
