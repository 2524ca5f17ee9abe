#pragma once

#include <optional>
#include <vector>

#include "parallel/pipeline/prediction.hpp"
#include "trainer/find_schedule.hpp"
#include "trainer/plan_request.hpp"

namespace spillway::trainer {

/// What parallel.schedule and parallel.recompute stand for.
struct ChosenPlan {
  pipeline::Prediction prediction = {};
  Recompute recompute = Recompute::none;
  std::optional<Origin> found = {};  ///< where parallel.schedule is "auto"
};

/// Those that parallel.recompute allows: "auto" all that the request knows the costs of (by hand: R
/// is that of whole layers).
std::vector<Recompute> recomputes_to_try(const PlanRequest& request);

/// The compute schedule that parallel.schedule names ("auto" excepted). Throws Error(input) for an
/// unknown schedule, or one that is not valid.
pipeline::Schedule named_schedule(const config::ParallelConfig& parallel);

/// The plan of least makespan under the request's cap; of equal ones that which recomputes least.
/// Where a named schedule fits with no recomputation, that which holds least. Throws Error(input)
/// where no schedule can be found, or for the one that is named: that it is not valid, has another
/// placement than is demanded, or does not go with the layers or costs.
ChosenPlan choose_plan(const PlanRequest& request);

}  // namespace spillway::trainer
