#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "compression/low_rank/low_rank_shape.hpp"

namespace spillway::compression {

// Which rank each matrix gets, from what its factors say of it. With orthonormal P, the Q of
// PowerSGD holds the largest singular values of the gradient (as far as the warm start has found
// them), so they cost an R x R eigenvalue problem and no pass over the gradient. Directions beyond
// the present rank are not seen: each counts as half the energy of the one before, so that a
// spectrum which does not fall is looked into further and one that does is not. The replicas have
// the same Q to the bit, so they choose the same ranks.

/// A matrix and its singular values as far as they are known, the largest first.
struct Spectrum {
  LowRankShape shape;  ///< approximation_rank: the largest that it may get
  std::vector<double> singular_values;
};

/// Of q_RN [R, N]: square roots of the eigenvalues of Q Q^T, the largest first.
std::vector<double> singular_values(const at::Tensor& q_RN);

/// Rows that span the same and are orthogonal, the longest first: U^T Q, with Q Q^T = U S U^T.
at::Tensor strongest_first(const at::Tensor& q_RN);

/// The ranks, 1 at least, that hold most energy with no more than `elements` in all factors: the
/// direction with the most energy for each element first. Where not even rank 1 for all fits, it is
/// 1 for all.
std::vector<std::int64_t> ranks_within_elements(const std::vector<Spectrum>& spectra,
                                                double elements);

/// For each matrix the least rank that leaves at most `error` of its norm, of what is seen and
/// guessed of it.
std::vector<std::int64_t> ranks_within_error(const std::vector<Spectrum>& spectra, double error);

}  // namespace spillway::compression
