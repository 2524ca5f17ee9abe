#pragma once

#include <functional>
#include <map>

#include "parallel/pipeline/action_log.hpp"
#include "parallel/pipeline/edges.hpp"
#include "parallel/pipeline/schedule.hpp"
#include "parallel/pipeline/stage.hpp"
#include "parallel/pipeline/timeline.hpp"

namespace spillway::pipeline {

/// This rank's stages by their number.
using LocalStages = std::map<int, Stage*>;

/// Runs this rank's part of a lowered, validated schedule: one training step, or one evaluation if
/// it has only forwards.
///
/// Collective over the ranks of the pipeline, each with the same schedule. Receives are posted
/// where the schedule has them, ahead of their consumer; sends run beside the compute, and all are
/// complete on return. Tensors are let go as soon as they are used: nothing of the step is held on
/// return. `on_gradients_final(stage)` is called when the last backward of a stage is done; other
/// stages may still compute meanwhile, so it should only start work. Returns what ran when (host
/// time; on a CUDA device the host runs ahead of the device unless the stages synchronize). Throws
/// what a stage or the transport throws, as an Error that names rank and action; the step cannot be
/// continued then. `log` is told what the rank does and for which message it waits.
Timeline execute(const Schedule& lowered, const LocalStages& stages, const Edges& edges,
                 const std::function<void(int stage)>& on_gradients_final, ActionLog& log);

}  // namespace spillway::pipeline
