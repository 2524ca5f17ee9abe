#pragma once

#include <optional>
#include <vector>

#include "configs/schema.hpp"
#include "parallel/pipeline/schedule.hpp"
#include "trainer/calibration.hpp"
#include "trainer/choose_plan.hpp"
#include "trainer/model/parameters.hpp"

namespace spillway::trainer {

/// How a model is spread over the ranks of one pipeline: which layers are a stage, which rank has
/// it, who does what when.
struct Layout {
  config::ModelConfig model;   ///< resolved
  std::vector<Slice> slices;   ///< by stage
  pipeline::Schedule compute;  ///< as its author wrote it
  pipeline::Schedule lowered;  ///< with communication
  std::vector<int> rank_of_stage;
  Recompute recompute = Recompute::none;

  /// Stages of a pipeline rank, ascending.
  std::vector<int> stages_of(int rank) const;
};

/// The layout of a plan of the configuration.
Layout make_layout(const config::Config& config, const ChosenPlan& plan);

/// What choose_plan() chooses for a run, from measured costs or else from such as follow the FLOPs.
/// Throws as it does, and Error(input) where the plan holds more than parallel.memory_cap.
ChosenPlan plan_to_run(const config::Config& config,
                       const std::optional<Calibration>& measured = {});

/// The layout of plan_to_run(config).
Layout make_layout(const config::Config& config);

}  // namespace spillway::trainer
