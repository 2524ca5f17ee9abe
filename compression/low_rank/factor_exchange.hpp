#pragma once

#include <ATen/core/Tensor.h>

#include <span>
#include <string>
#include <vector>

#include "compression/error_feedback.hpp"
#include "compression/low_rank/batches.hpp"
#include "compression/wire.hpp"
#include "compression/workspace.hpp"

namespace spillway::compression {

/// A matrix on its way through FactorExchange.
struct Factored {
  at::Tensor grad_MN;                 ///< in: this replica's, out: the approximation of the mean
  at::Tensor error_MN;                ///< is added to it first; undefined: nothing
  at::Tensor start_q_RN;              ///< spans the rows that are looked for
  ErrorFeedback* feedback = nullptr;  ///< gets what is not sent; nullptr: nothing is kept
  /// Out: mean over replicas of the right factor, [R, N], the same bits on all; valid until the
  /// next call.
  at::Tensor q_RN;
  /// Out: false when a replica's matrix was not finite; then grad_MN is nan, q_RN undefined content
  /// and nothing was given to `feedback`.
  bool finite = true;
};

/// The low-rank exchange of a set of matrices, with two all-reduces for all of them together and
/// each power iteration (see power_sgd.hpp for the method). Gradients that travel whole ride with
/// the first. Legend: M N rows and columns of a matrix, R approximation rank.
class FactorExchange {
 public:
  /// `global`: what is kept is measured against the averaged factors, not the replica's own.
  FactorExchange(comm::Communicator& replicas, const std::string& format, bool global, Meter& meter)
      : wire_(replicas, format, meter), global_(global) {}

  /// `whole`: gradients [numel] that become their mean. Collective; blocks.
  void run(std::span<Factored> matrices, std::span<at::Tensor> whole, std::int64_t iterations);

 private:
  void lay_out(std::span<Factored> matrices, std::span<at::Tensor> whole);
  void send_left(LowRankBatch& batch, bool first);
  void send_right(LowRankBatch& batch);
  void rebuild(LowRankBatch& batch, std::span<Factored> matrices);

  Wire wire_;
  bool global_;
  Workspace workspace_;
  Batches batches_;
  at::Tensor left_, right_, own_right_;  // payloads: P of all matrices, then whole; Q of all
  std::int64_t left_factors_ = 0;        // elements of left_ that are factors
  std::vector<LowRankMatrix> matrices_;
  std::vector<at::Tensor> whole_, whole_parts_;  // gradients that ride along, views of left_
};

}  // namespace spillway::compression
