#include "compression/low_rank/loop_batch.hpp"

#include <ATen/ops/aminmax.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/zeros_like.h>

#include <cmath>
#include <limits>

#include "compression/low_rank/orthogonalize.hpp"
#include "compression/low_rank/skinny_gemm.hpp"

namespace spillway::compression {
namespace {

at::Tensor& factor(LowRankMatrix& matrix, Side side) {
  return side == Side::left ? matrix.p_RM : matrix.q_RN;
}

/// Without a mask of the tensor's size: a nan is the least and the greatest, an inf one of them.
bool all_finite(const at::Tensor& tensor) {
  if (tensor.numel() == 0) return true;
  const auto [least, greatest] = at::aminmax(tensor);
  return std::isfinite(least.item<float>()) && std::isfinite(greatest.item<float>());
}

/// One pass over the gradient, also where the factors differ in P: [own; sent]^T [own Q; 0] is kept
/// and [own; sent]^T [0; Q] sent.
double reconstruct_one(LowRankMatrix& m) {
  if (m.own_p_RM.is_same(m.p_RM))
    return reconstruct(m.grad_MN, m.kept_MN, m.p_RM, m.q_RN, m.own_q_RN);
  const at::Tensor none = at::zeros_like(m.q_RN);
  return reconstruct(m.grad_MN, m.kept_MN, at::cat({m.own_p_RM, m.p_RM}), at::cat({none, m.q_RN}),
                     at::cat({m.own_q_RN, none}));
}

}  // namespace

void LoopBatch::start(std::span<LowRankMatrix> matrices) {
  matrices_ = matrices;
  for (LowRankMatrix& matrix : matrices_) matrix.finite = true;
}

void LoopBatch::add_error() {
  for (LowRankMatrix& matrix : matrices_) {
    if (matrix.error_MN.defined()) matrix.grad_MN.add_(matrix.error_MN);
  }
}

void LoopBatch::orthogonalize(Side side) {
  for (LowRankMatrix& matrix : matrices_) {
    if (matrix.finite) compression::orthogonalize(factor(matrix, side));
  }
}

void LoopBatch::project(bool add_error) {
  for (LowRankMatrix& m : matrices_)
    compression::project(m.grad_MN, add_error ? m.error_MN : at::Tensor(), m.q_RN, m.p_RM);
}

void LoopBatch::project_transposed() {
  for (LowRankMatrix& m : matrices_) {
    if (m.finite) {
      compression::project_transposed(m.grad_MN, m.p_RM, m.q_RN);
    } else {
      m.q_RN.zero_();
    }
  }
}

void LoopBatch::check_finite(Side side) {
  for (LowRankMatrix& matrix : matrices_) {
    matrix.finite = matrix.finite && all_finite(factor(matrix, side));
  }
}

void LoopBatch::reconstruct() {
  for (LowRankMatrix& matrix : matrices_) {
    if (matrix.finite) {
      matrix.kept_squares = reconstruct_one(matrix);
    } else {
      matrix.grad_MN.fill_(std::numeric_limits<float>::quiet_NaN());
    }
  }
}

}  // namespace spillway::compression
