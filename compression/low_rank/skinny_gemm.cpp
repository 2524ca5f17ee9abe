#include "compression/low_rank/skinny_gemm.hpp"

#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/vdot.h>

namespace spillway::compression {

void project(const at::Tensor& grad_MN, const at::Tensor& error_MN, const at::Tensor& q_RN,
             at::Tensor& p_RM) {
  if (error_MN.defined()) grad_MN.add_(error_MN);
  at::mm_out(p_RM, q_RN, grad_MN.t());
}

void project_transposed(const at::Tensor& grad_MN, const at::Tensor& p_RM, at::Tensor& q_RN) {
  at::mm_out(q_RN, p_RM, grad_MN);
}

double reconstruct(at::Tensor& grad_MN, at::Tensor& error_MN, const at::Tensor& p_RM,
                   const at::Tensor& q_RN, const at::Tensor& own_RN) {
  double squares = 0;
  if (error_MN.defined()) {
    at::addmm_out(error_MN, grad_MN, p_RM.t(), own_RN, 1, -1);
    const at::Tensor flat = error_MN.view(-1);
    squares = at::vdot(flat, flat).item<double>();
  }
  at::mm_out(grad_MN, p_RM.t(), q_RN);
  return squares;
}

}  // namespace spillway::compression
