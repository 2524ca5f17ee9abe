#pragma once

#include "parallel/pipeline/simulate.hpp"
#include "trainer/model/model_stage.hpp"

namespace spillway::trainer {

/// What the actions of such a stage take on this rank, in seconds: medians over 5 to 15 rounds, as
/// many as a second allows, behind two of warm-up, each a micro-batch with a whole backward and one
/// with a split one. The stage is made
/// for it, with fresh weights, and let go.
pipeline::StageCosts measure_stage(const StageOptions& options);

}  // namespace spillway::trainer
