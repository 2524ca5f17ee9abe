#pragma once

#include <vector>

#include "parallel/comm/communicator.hpp"
#include "parallel/pipeline/simulate.hpp"
#include "parallel/pipeline/timeline.hpp"

namespace spillway::pipeline {

/// Median seconds of each kind of compute action of `stage` in a measured timeline; 0 for kinds
/// that it does not have.
StageCosts median_costs(const Timeline& timeline, int stage);

/// One rank's step as measured, and as the simulator predicts it.
struct RankReport {
  Usage measured;
  Usage predicted;
  double predicted_peak_activations = 0;  ///< as Simulation::peak_activations
};

struct StepReport {
  Costs costs;                   ///< measured: medians of this step
  double measured_seconds = 0;   ///< the slowest rank's
  double predicted_seconds = 0;  ///< the makespan
  std::vector<RankReport> ranks;
};

/// Sets what a step took beside what it would take if each action cost the median of its kind and
/// stage in that step, messages were free and the ranks began together: the measured idle time
/// beyond the predicted is communication, jitter and skew. Collective over `pipeline`
/// (ProcessGrid::pipeline()): one small all-reduce; every rank gets the same report.
/// `device`: where the tensors of the communicator live.
StepReport report_step(comm::Communicator& pipeline, const Schedule& lowered, const Timeline& mine,
                       at::Device device);

}  // namespace spillway::pipeline
