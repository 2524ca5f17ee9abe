#pragma once

#include "parallel/pipeline/step_report.hpp"
#include "trainer/observe/metrics.hpp"
#include "trainer/trainer.hpp"

namespace spillway::trainer {

/// What turns the counts of a step into metrics.
struct RunRates {
  int world = 1;
  double training_flops_per_token = 0;  ///< of the whole model
  double peak_flops = 0;                ///< of one rank
  std::vector<std::string> parameters;  ///< names, in whole-model order
};

/// The numbers of one step as rank 0 sees it: its own times where a time has no rank in its name.
/// Tokens are target tokens, without padding. Beside the names of metric:: : data/wait_ms (the
/// longest of all ranks), compress/exposed(s), pipeline/makespan(s) and its prediction,
/// pipeline/rank-N/{busy(s), idle(s), peak_activations}, and for the ranks of the first replica
/// predicted_idle(s) and predicted_peak_activations; with
/// adaptive ranks compress/rank/PARAMETER.
StepMetrics step_metrics(const StepResult& result, const pipeline::StepReport& prediction,
                         const RunRates& rates, std::int64_t tokens_seen);

}  // namespace spillway::trainer
