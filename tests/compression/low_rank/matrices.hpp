#pragma once

#include <ATen/ATen.h>

#include <vector>

#include "compression/low_rank/batch.hpp"

namespace spillway::compression {

struct MatrixCase {
  std::int64_t rows, columns, rank;
};

/// Odd sizes around tiles and warps, and ranks around those held in registers.
inline std::vector<MatrixCase> odd_matrices() {
  return {{1, 37, 1},    {37, 1, 1},    {33, 65, 2},   {33, 65, 4},   {65, 33, 7},   {40, 600, 8},
          {31, 1025, 3}, {300, 130, 5}, {513, 48, 32}, {70, 700, 32}, {90, 70, 64},  {1, 1, 1},
          {256, 512, 4}, {257, 513, 9}, {1000, 3, 3},  {2, 5000, 2},  {32, 128, 16}, {600, 700, 1}};
}

/// One of each case with random values, on `device`; own factors apart from those of all.
inline std::vector<LowRankMatrix> random_matrices(const std::vector<MatrixCase>& cases,
                                                  std::uint64_t seed,
                                                  at::Device device = at::kCPU) {
  at::manual_seed(seed);
  std::vector<LowRankMatrix> matrices;
  for (const MatrixCase& c : cases) {
    const auto random = [&](std::int64_t a, std::int64_t b) {
      return at::randn({a, b}).to(device);
    };
    LowRankMatrix& m = matrices.emplace_back();
    m.grad_MN = random(c.rows, c.columns);
    m.error_MN = random(c.rows, c.columns);
    m.p_RM = random(c.rank, c.rows);
    m.q_RN = random(c.rank, c.columns);
    m.own_p_RM = random(c.rank, c.rows);
    m.own_q_RN = random(c.rank, c.columns);
    m.kept_MN = at::full({c.rows, c.columns}, 7.0, m.grad_MN.options());
  }
  return matrices;
}

inline std::string describe(const LowRankMatrix& m) {
  return std::to_string(m.grad_MN.size(0)) + " x " + std::to_string(m.grad_MN.size(1)) + ", rank " +
         std::to_string(m.p_RM.size(0));
}

/// All that an exchange changes.
inline std::vector<at::Tensor> results(const LowRankMatrix& m) {
  return {m.grad_MN, m.p_RM, m.q_RN, m.kept_MN};
}

/// An exchange of one replica.
inline void exchange_alone(LowRankBatch& batch, std::span<LowRankMatrix> matrices) {
  batch.start(matrices);
  batch.orthogonalize(Side::right);
  batch.project(true);
  batch.check_finite(Side::left);
  batch.orthogonalize(Side::left);
  batch.project_transposed();
  batch.check_finite(Side::right);
  batch.reconstruct();
  batch.finish();
}

inline at::Tensor in_double(const at::Tensor& tensor) { return tensor.to(at::kCPU, at::kDouble); }

/// Largest difference, relative to the largest value.
inline double difference(const at::Tensor& actual, const at::Tensor& expected) {
  const double scale = in_double(expected).abs().max().item<double>() + 1e-30;
  return (in_double(actual) - in_double(expected)).abs().max().item<double>() / scale;
}

/// Distance of the rows from orthonormal ones.
inline double defect(const at::Tensor& a_RN) {
  const at::Tensor a = in_double(a_RN);
  return (at::mm(a, a.t()) - at::eye(a.size(0), at::kDouble)).abs().max().item<double>();
}

/// Largest part of a row of `a` outside of the span of the orthonormal rows of `basis`, relative to
/// the row.
inline double outside(const at::Tensor& a, const at::Tensor& basis) {
  const at::Tensor x = in_double(a), q = in_double(basis);
  const at::Tensor rest = x - at::mm(at::mm(x, q.t()), q);
  return (rest.norm(2, 1) / (x.norm(2, 1) + 1e-300)).max().item<double>();
}

/// Random rows [r, n] whose singular values fall geometrically from 1 to 1 / condition.
inline at::Tensor with_condition(std::int64_t r, std::int64_t n, double condition) {
  const auto options = at::TensorOptions(at::kDouble);
  const at::Tensor left = std::get<0>(at::linalg_qr(at::randn({r, r}, options)));
  const at::Tensor right = std::get<0>(at::linalg_qr(at::randn({n, r}, options)));
  const at::Tensor values = at::logspace(0, -std::log10(condition), r, 10.0, options);
  return at::mm(left * values, right.t()).to(at::kFloat).contiguous();
}

}  // namespace spillway::compression
