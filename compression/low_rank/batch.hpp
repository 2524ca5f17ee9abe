#pragma once

#include <ATen/core/Tensor.h>

#include <span>

#include "compression/low_rank/side.hpp"

namespace spillway::compression {

/// A gradient and its factors. Float32, contiguous, all matrices of a batch on one device. Legend:
/// M N rows and columns of the gradient, R approximation rank <= M, N.
struct LowRankMatrix {
  at::Tensor grad_MN;
  at::Tensor error_MN;  ///< is added to the gradient; undefined: nothing
  at::Tensor p_RM, q_RN;
  /// The factors whose product counts as sent: those above, or the replica's own.
  at::Tensor own_p_RM, own_q_RN;
  at::Tensor kept_MN;       ///< out: what was not sent; undefined: nothing is kept
  bool finite = true;       ///< out: see LowRankBatch; valid after finish()
  double kept_squares = 0;  ///< out: sum of squares of kept_MN; valid after finish()
};

/// The arithmetic of a low-rank exchange, each call for all matrices of a bucket. On a GPU the
/// calls only queue work on the current stream, and finish() waits for it.
/// A matrix in whose factor check_finite() finds an inf or nan is out from then on: its gradient
/// becomes nan, its kept_MN stays untouched and its `finite` is false.
class LowRankBatch {
 public:
  LowRankBatch() = default;
  LowRankBatch(const LowRankBatch&) = delete;
  LowRankBatch& operator=(const LowRankBatch&) = delete;
  virtual ~LowRankBatch() = default;

  /// `matrices`, and the memory of their tensors, stay as they are until finish().
  virtual void start(std::span<LowRankMatrix> matrices) = 0;
  /// Gradient += error.
  virtual void add_error() = 0;
  /// Makes the rows of the factor orthonormal, see orthogonalize.hpp, for matrices that are not
  /// out.
  virtual void orthogonalize(Side side) = 0;
  /// P = (gradient Q^T)^T; with `add_error` after gradient += error, in the same pass.
  virtual void project(bool add_error) = 0;
  /// Q = P gradient; zero for a matrix that is out.
  virtual void project_transposed() = 0;
  /// Of the factor; finds the same on every replica when that is a sum over them.
  virtual void check_finite(Side side) = 0;
  /// Kept = gradient - own P^T own Q, gradient = P^T Q.
  virtual void reconstruct() = 0;
  virtual void finish() = 0;
};

}  // namespace spillway::compression
