#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "parallel/pipeline/prediction.hpp"
#include "trainer/model/parameters.hpp"
#include "trainer/plan_request.hpp"

namespace spillway::trainer {

/// What the stages of a schedule with that placement and recomputation cost and hold: as given by
/// hand, as measured, or from the model, whose costs follow the FLOPs (a backward does twice the
/// work of its forward, half of it for the input), whose messages are free. Activations of a model
/// are estimated. Throws Error(input) where the layers, or the costs given, do not go with the
/// stages.
pipeline::Workload plan_workload(const PlanRequest& request, const std::vector<int>& rank_of_stage,
                                 Recompute recompute);

/// Of all times of a plan: "units" of the costs given by hand; "ms" where they were measured or
/// run.peak_flops is known, else "forwards" (of one micro-batch through the mean rank's layers).
std::string time_unit(const PlanRequest& request);
/// The unit as a whole makespan is printed with it: "ms, as measured".
std::string time_unit_in_words(const PlanRequest& request);

/// Of the activation of one micro-batch between two stages, and of its gradient.
double edge_bytes(const config::Config& config);

/// Of a slice: one float32 a parameter.
std::int64_t gradient_bytes(const config::ModelConfig& model, const Slice& slice);

}  // namespace spillway::trainer
