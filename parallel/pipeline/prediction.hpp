#pragma once

#include <string>
#include <vector>

#include "parallel/pipeline/memory.hpp"
#include "parallel/pipeline/simulate.hpp"

namespace spillway::pipeline {

/// What a schedule is judged by: the costs of its stages and the bytes that they hold. Without
/// bytes (a schedule planned without a model) one micro-batch of a rank's whole share is the unit
/// of memory.
struct Workload {
  Costs costs = {};
  std::vector<StageMemory> memory = {};  ///< one entry a stage
  double edge_bytes = 0;                 ///< of one message; 0: unknown
};

/// A schedule and what the simulator says of it.
struct Prediction {
  std::string name = {};
  ScheduleShape shape = {};
  Schedule compute = {};  ///< as its author wrote it
  Schedule lowered = {};
  Simulation simulation = {};
  std::vector<MemoryUse> memory = {};
  /// By rank, as Simulation::peak_activations, but with what is kept of activations that are
  /// recomputed (most_held()): what a cap is held against.
  std::vector<double> held_activations = {};
  long messages = 0;  ///< tensors sent between the ranks of one pipeline in a step
  double wire_bytes = 0;

  double makespan() const { return simulation.makespan; }
  /// Share of all ranks' time that is idle.
  double bubble() const;
  /// The most on any rank of held_activations.
  double peak_activations() const;
  double peak_bytes() const;
};

/// Of each stage, the share of its activations that is kept from F to R.
std::vector<double> kept_shares(const std::vector<StageMemory>& stages);

/// `compute` must be valid (validate()).
Prediction predict(std::string name, const ScheduleShape& shape, Schedule compute,
                   const Workload& workload);

/// Chunks and kept shares are fractions.
inline constexpr double kCapSlack = 1e-9;

/// No rank holds more activations than `cap`, of one micro-batch on a rank's whole share.
bool fits(const Prediction& prediction, double cap);
/// Throws Error(check) unless it fits; the message names the rank that holds the most.
void check_memory(const Prediction& prediction, double cap);

}  // namespace spillway::pipeline
