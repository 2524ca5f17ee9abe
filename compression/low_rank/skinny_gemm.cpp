#include "compression/low_rank/skinny_gemm.hpp"

#include <ATen/Parallel.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/vdot.h>

#include <algorithm>
#include <atomic>

#include "compression/low_rank/skinny_kernels.hpp"

namespace spillway::compression {
namespace {

bool has_kernel(const at::Tensor& grad_MN, const at::Tensor& factor) {
  return grad_MN.is_cpu() && grad_MN.is_contiguous() && factor.size(0) <= kernels::kMaxRank;
}

float* data(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.mutable_data_ptr<float>() : nullptr;
}

kernels::Operands operands(const at::Tensor& grad_MN, const at::Tensor& error_MN,
                           const at::Tensor& p_RM, const at::Tensor& q_RN) {
  kernels::Operands o;
  o.rows = grad_MN.size(0);
  o.columns = grad_MN.size(1);
  o.rank = p_RM.size(0);
  o.grad = data(grad_MN);
  o.error = data(error_MN);
  o.p = data(p_RM);
  o.q = data(q_RN);
  return o;
}

/// Rows (or columns) of `across` elements that are worth a thread.
std::int64_t grain(std::int64_t across) {
  return std::max<std::int64_t>(64, 65536 / std::max<std::int64_t>(across, 1));
}

}  // namespace

void project(const at::Tensor& grad_MN, const at::Tensor& error_MN, const at::Tensor& q_RN,
             at::Tensor& p_RM) {
  if (!has_kernel(grad_MN, q_RN)) {
    if (error_MN.defined()) grad_MN.add_(error_MN);
    at::mm_out(p_RM, q_RN, grad_MN.t());
    return;
  }
  const kernels::Operands o = operands(grad_MN, error_MN, p_RM, q_RN);
  at::parallel_for(0, o.rows, grain(o.columns),
                   [&](std::int64_t begin, std::int64_t end) { kernels::project(o, begin, end); });
}

void project_transposed(const at::Tensor& grad_MN, const at::Tensor& p_RM, at::Tensor& q_RN) {
  if (!has_kernel(grad_MN, p_RM)) {
    at::mm_out(q_RN, p_RM, grad_MN);
    return;
  }
  const kernels::Operands o = operands(grad_MN, at::Tensor(), p_RM, q_RN);
  at::parallel_for(0, o.columns, grain(o.rows), [&](std::int64_t begin, std::int64_t end) {
    kernels::project_transposed(o, begin, end);
  });
}

double reconstruct(at::Tensor& grad_MN, at::Tensor& error_MN, const at::Tensor& p_RM,
                   const at::Tensor& q_RN, const at::Tensor& own_RN) {
  if (has_kernel(grad_MN, p_RM)) {
    kernels::Operands o = operands(grad_MN, error_MN, p_RM, q_RN);
    o.own = own_RN.const_data_ptr<float>();
    std::atomic<double> squares = 0;
    at::parallel_for(0, o.rows, grain(o.columns), [&](std::int64_t begin, std::int64_t end) {
      squares += kernels::reconstruct(o, begin, end);
    });
    return squares;
  }
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
