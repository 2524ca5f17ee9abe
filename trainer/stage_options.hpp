#pragma once

#include "trainer/model/model_stage.hpp"

namespace spillway::trainer {

/// A stage of the configuration's run: `model` is the resolved model, `slice` the stage's part.
StageOptions stage_options(const config::Config& config, const config::ModelConfig& model,
                           const Slice& slice, Recompute recompute, c10::Device device);

}  // namespace spillway::trainer
