#pragma once

#include <limits>
#include <optional>

#include "configs/schema.hpp"
#include "parallel/pipeline/cost_list.hpp"
#include "parallel/pipeline/placement.hpp"

namespace spillway::trainer {

/// What is to be planned.
struct PlanRequest {
  config::Config config = {};
  int ranks = 1;  ///< in all: stages x replicas
  /// Costs given by hand: the schedule is planned without a model, and `config` counts only for its
  /// section [parallel].
  std::optional<pipeline::CostList> costs = {};
  pipeline::Sends sends = pipeline::Sends::rendezvous;
  std::optional<pipeline::Placement> placement = {};  ///< demanded of the schedule
  /// The most activations on a rank, in micro-batches of its whole share; a limit for schedules
  /// that are chosen, not for one that is named.
  double memory_cap = std::numeric_limits<double>::infinity();
};

}  // namespace spillway::trainer
