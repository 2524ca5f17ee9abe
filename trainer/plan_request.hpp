#pragma once

#include <limits>
#include <optional>

#include "configs/schema.hpp"
#include "parallel/pipeline/cost_list.hpp"
#include "parallel/pipeline/placement.hpp"
#include "trainer/calibration.hpp"

namespace spillway::trainer {

/// What is to be planned.
struct PlanRequest {
  config::Config config = {};
  int ranks = 1;  ///< in all: stages x replicas
  /// Costs given by hand: the schedule is planned without a model, and `config` counts only for its
  /// section [parallel].
  std::optional<pipeline::CostList> costs = {};
  /// Costs of the model as measured, in place of those that follow its FLOPs.
  std::optional<Calibration> measured = {};
  pipeline::Sends sends = pipeline::Sends::rendezvous;
  std::optional<pipeline::Placement> placement = {};  ///< demanded of the schedule
  /// The most activations on a rank, in micro-batches of its whole share.
  double memory_cap = std::numeric_limits<double>::infinity();
};

/// parallel.memory_cap, whose 0 is no limit.
inline double memory_cap(const config::ParallelConfig& parallel) {
  return parallel.memory_cap > 0 ? parallel.memory_cap : std::numeric_limits<double>::infinity();
}

}  // namespace spillway::trainer
