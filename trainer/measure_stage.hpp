#pragma once

#include "parallel/pipeline/simulate.hpp"
#include "trainer/model/model_stage.hpp"

namespace spillway::trainer {

/// What the actions of such a stage take on this rank, in seconds: medians over 3 to 8 rounds, as
/// many as a second allows, behind one of warm-up; in each two micro-batches have a whole backward
/// and two a split one, with another in flight. The stage is made
/// for it, with fresh weights, and let go.
pipeline::StageCosts measure_stage(const StageOptions& options);

}  // namespace spillway::trainer
