#pragma once

#include <string>

#include "parallel/pipeline/schedule.hpp"
#include "trainer/plan_request.hpp"

namespace spillway::trainer {

/// What parallel.schedule = "auto" stands for.
struct FoundSchedule {
  pipeline::Schedule compute = {};
  pipeline::Placement placement = pipeline::Placement::linear;
  std::string origin = {};  ///< name of a schedule of the registry, or "search"
  double makespan = 0;
  double lower_bound = 0;  ///< on this placement no schedule of F, I and W ends sooner
};

/// The schedule of least makespan under the request's cap, searched for on each placement that the
/// request allows, with parallel.chunks (or two, where that is one) on loop and v, and never worse
/// than a schedule of the registry that fits. The same request gives the same schedule. Throws
/// Error(input) where no placement has a schedule under the cap, or goes with the layers or costs.
FoundSchedule find_schedule(const PlanRequest& request);

}  // namespace spillway::trainer
