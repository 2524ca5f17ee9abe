#pragma once

#include <string>
#include <vector>

#include "parallel/pipeline/prediction.hpp"
#include "trainer/plan_request.hpp"

namespace spillway::trainer {

/// A way to put stages on the ranks that parallel.schedule = "auto" searches on.
struct Candidate {
  pipeline::Placement placement = pipeline::Placement::linear;
  pipeline::ScheduleShape shape = {};
  std::vector<int> rank_of_stage = {};
};

/// The placements that the request allows and whose stages the layers of the model fill, with
/// parallel.chunks (or two, where that is one) on loop and v. Throws Error(input) if there is none.
std::vector<Candidate> candidates(const PlanRequest& request);

/// Where a schedule that was searched for comes from.
struct Origin {
  std::string name = {};  ///< of a schedule of the registry, or "search"
  pipeline::Placement placement = pipeline::Placement::linear;
  double lower_bound = 0;  ///< on this placement no schedule of F, I and W ends sooner
};

/// What parallel.schedule = "auto" stands for.
struct FoundSchedule {
  pipeline::Prediction prediction = {};
  Origin origin = {};
};

/// The schedule of least makespan under the request's cap with that recomputation, searched for on
/// each candidate, and never worse than a schedule of the registry that fits. With recomputation R
/// is a part of the backward while searching, the cap stands for as many activations as fit where
/// one is whole and the others are what is kept of them, and weight gradients are then moved ahead
/// to where the true count asks for it. The same request gives the same schedule. Throws
/// Error(input) where no placement has a schedule under the cap, or goes with the layers or costs.
FoundSchedule find_schedule(const PlanRequest& request, Recompute recompute);

}  // namespace spillway::trainer
