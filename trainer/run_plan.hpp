#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "parallel/pipeline/prediction.hpp"
#include "parallel/process_grid.hpp"
#include "trainer/choose_plan.hpp"
#include "trainer/layout.hpp"
#include "trainer/plan_request.hpp"

namespace spillway::trainer {

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

/// What can be said about a run before it.
struct RunPlan {
  config::Config config = {};
  parallel::GridShape grid = {};
  pipeline::Prediction prediction = {};
  Recompute recompute = Recompute::none;
  std::string unit = {}, unit_in_words = {};  ///< of time, see time_unit()
  std::optional<Origin> found = {};           ///< where parallel.schedule is "auto"
  std::optional<ModelPlan> model = {};        ///< nullopt where costs were given by hand
};

/// Plans what choose_plan() chooses. Throws Error(input) for what cannot be planned: a
/// configuration that cannot run on that many ranks, an invalid schedule, one of another placement,
/// costs of another number of stages.
RunPlan plan_run(const PlanRequest& request);

}  // namespace spillway::trainer
