#pragma once

#include <optional>
#include <string>
#include <vector>

#include "trainer/step_vote.hpp"

namespace spillway::trainer {

/// What the ranks decide about a step, the same on every rank because it is a pure function of all
/// their reports.
struct Verdict {
  double loss = 0;  ///< mean over all target tokens of the global batch
  double gradient_norm = 0;
  bool stop_requested = false;
  /// Where a non-finite value came from, e.g. "rank 3 (stage 1, replica 1): gradient of
  /// layers.3.mlp.up.weight"; empty: all is finite.
  std::string non_finite;

  bool keep() const { return non_finite.empty(); }
};

/// How the parameters of the whole model are spread over the ranks of one pipeline.
struct ParameterMap {
  std::vector<std::string> names;  ///< of the whole model, in its order
  std::vector<std::vector<std::int64_t>>
      of_rank;  ///< by pipeline rank: index in `names` of each norm that it reports
};

/// Sum of all token losses over the global micro-batch index; `reports` by world rank.
double sum_losses(const std::vector<RankReport>& reports, std::size_t stages);

/// `reports` by world rank (rank = replica * stages + stage); `target_tokens` of the global batch.
/// Losses are summed over the global micro-batch index and norms over the whole model's parameter
/// order, so that both have the same bits on any layout.
Verdict judge(const std::vector<RankReport>& reports, const ParameterMap& map,
              std::int64_t target_tokens);

}  // namespace spillway::trainer
