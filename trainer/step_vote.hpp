#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <vector>

#include "compression/gradient_exchange.hpp"
#include "parallel/comm/communicator.hpp"

namespace spillway::trainer {

/// What one rank tells all others at the end of a step, before anything is updated.
struct RankReport {
  /// Index (in whole-model order) of the first parameter whose own gradient is not finite; -1: all
  /// finite.
  std::int64_t bad_parameter = -1;
  bool loss_finite = true;
  bool stop_requested = false;
  double data_wait_seconds = 0;
  double busy_seconds = 0;           ///< computing pipeline actions
  double pipeline_start = 0;         ///< seconds of this host's steady clock
  double pipeline_seconds = 0;       ///< first to last pipeline action
  double exchange_wait_seconds = 0;  ///< waiting for gradients after the last action
  double compress_seconds = 0, wire_seconds = 0, decompress_seconds = 0;
  double dense_bytes = 0, sent_bytes = 0, wire_bytes = 0;  ///< see ExchangeStatistics
  double pipeline_bytes = 0;  ///< activations and their gradients sent to other stages
  double error_squared_norm = 0;
  double peak_activations = 0;  ///< micro-batches of the rank's whole share of the layers
  /// Sum of token losses of each of this replica's micro-batches; zeros unless this rank has the
  /// last stage.
  std::vector<double> loss_sums;
  /// Squared L2 norm of the mean gradient of each parameter of this stage, in whole-model order.
  std::vector<double> squared_norms;
  /// Ranks of the low-rank approximations, where they adapt.
  std::vector<compression::ParameterRank> approximation_ranks;
};

/// Sum over ranks, in rank order, of a member (or what a function makes of a report).
template <class Get>
double sum(const std::vector<RankReport>& reports, const Get& get) {
  double total = 0;
  for (const RankReport& report : reports) total += std::invoke(get, report);
  return total;
}

/// The largest; 0 at least.
template <class Get>
double largest(const std::vector<RankReport>& reports, const Get& get) {
  double most = 0;
  for (const RankReport& report : reports) most = std::max(most, std::invoke(get, report));
  return most;
}

/// One all-gather of every rank's report, so that all ranks decide alike and every sum is taken in
/// the same order. Collective over `world`.
class StepVote {
 public:
  /// `microbatches` per replica; `parameters`: the largest number of parameters of any rank.
  StepVote(comm::Communicator& world, std::int64_t microbatches, std::int64_t parameters);

  /// Reports in rank order; norms and ranks keep the length given by each.
  std::vector<RankReport> exchange(const RankReport& mine);

 private:
  RankReport read(const std::vector<double>& numbers) const;

  comm::Communicator& world_;
  std::size_t microbatches_;
  std::size_t parameters_;
  std::size_t numbers_;    ///< of a row
  at::Tensor mine_, all_;  ///< uint8; of float64 rows
};

}  // namespace spillway::trainer
