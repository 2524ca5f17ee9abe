#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "configs/schema.hpp"
#include "parallel/pipeline/compare.hpp"
#include "parallel/pipeline/cost_list.hpp"
#include "parallel/pipeline/placement.hpp"
#include "parallel/pipeline/prediction.hpp"
#include "parallel/process_grid.hpp"
#include "trainer/layout.hpp"

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
};

/// One rank of a pipeline, as far as the model decides.
struct RankPlan {
  std::vector<int> stages = {};
  std::int64_t layers = 0;
  ModelCost cost = {};
  std::int64_t gradient_bytes = 0;   ///< float32
  std::int64_t exchanged_bytes = 0;  ///< given to the replica group's communicator per step
};

/// The model of a plan and how it is spread.
struct ModelPlan {
  Layout layout = {};
  std::vector<RankPlan> ranks = {};
};

/// What can be said about a run before it. With a model costs follow the FLOPs, a backward does
/// twice the work of its forward, half of it for the input, and messages are free.
struct RunPlan {
  config::Config config = {};
  parallel::GridShape grid = {};
  pipeline::Prediction prediction = {};
  /// Of time: "ms" where run.peak_flops is known, else "forwards" (of one micro-batch through the
  /// mean rank's layers); "units" of the costs given by hand.
  std::string unit = {};
  std::optional<ModelPlan> model = {};  ///< nullopt where costs were given by hand
};

/// RunPlan::unit of every plan of the request.
std::string time_unit(const PlanRequest& request);

/// Throws Error(input) for what cannot be planned: a configuration that cannot run on that many
/// ranks, an invalid schedule, one of another placement, costs of another number of stages.
RunPlan plan_run(const PlanRequest& request);

/// Every schedule of the registry in the place of parallel.schedule, and that one too where it is a
/// file; see pipeline::compare().
std::vector<pipeline::Contender> compare_schedules(const PlanRequest& request, double cap);

}  // namespace spillway::trainer
