#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "configs/schema.hpp"
#include "parallel/pipeline/simulate.hpp"
#include "parallel/process_grid.hpp"
#include "trainer/layout.hpp"

namespace spillway::trainer {

/// One rank of a pipeline.
struct RankPlan {
  std::vector<int> stages = {};
  std::int64_t layers = 0;
  ModelCost cost = {};
  double idle = 0;                   ///< in the plan's unit of time
  double peak_activations = 0;       ///< micro-batches of the rank's whole share
  std::int64_t gradient_bytes = 0;   ///< float32
  std::int64_t exchanged_bytes = 0;  ///< given to the replica group's communicator per step
};

/// What can be said about a run before it: costs follow the FLOPs, a backward does twice the work
/// of its forward, messages are free.
struct RunPlan {
  config::Config config = {};
  Layout layout = {};
  parallel::GridShape grid = {};
  double unit_seconds =
      0;  ///< seconds per unit of time; 0: one forward of the mean rank is the unit
  pipeline::Simulation simulation = {};
  std::vector<RankPlan> ranks = {};
  std::int64_t edge_bytes =
      0;  ///< of all activations and gradients between the stages of one replica, per step

  std::string unit() const { return unit_seconds > 0 ? "ms" : "forwards"; }
  double makespan() const { return simulation.makespan; }
  /// Share of all ranks' time that is idle.
  double bubble() const;
};

/// Throws Error(input) for a configuration that cannot run on `ranks` ranks.
RunPlan plan_run(const config::Config& config, int ranks);

}  // namespace spillway::trainer
