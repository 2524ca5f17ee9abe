#pragma once

#include <optional>
#include <vector>

#include "parallel/pipeline/simulate.hpp"

namespace spillway::pipeline {

/// Bytes that one stage holds. Activations: of one micro-batch, from the start of its F to the end
/// of its B or W (of F where nothing is trained); with an R, `kept_bytes` of them from its F on and
/// all from its R on; behind I, `split_bytes` in their place (as many, unless given): what W needs.
/// Gradients: of all its weights, from the start of its first B or W to the end of the step.
struct StageMemory {
  double activation_bytes = 0;
  double kept_bytes = 0;
  std::optional<double> split_bytes = {};
  double gradient_bytes = 0;
};

/// What a rank holds from `time` to the next sample. Buffers are tensors on their way: received but
/// not consumed, sent but not gone, or handed over between two stages of the rank.
struct MemorySample {
  double time = 0;
  double activation_bytes = 0;
  double gradient_bytes = 0;
  double buffer_bytes = 0;
  double total() const { return activation_bytes + gradient_bytes + buffer_bytes; }
};

/// One rank's memory over the step. `samples` begin with the first allocation, times ascend.
struct MemoryUse {
  std::vector<MemorySample> samples = {};
  double peak_bytes = 0;
};

/// By rank. `stages`: one entry a stage; `edge_bytes`: of the tensor that two neighbouring stages
/// exchange for one micro-batch. What ends at an instant is free for what begins at it. Weights and
/// the state of the optimizer, which do not depend on the schedule, are not counted. Throws
/// Error(input) where `stages` is not one entry a stage.
std::vector<MemoryUse> memory_over_time(const Simulation& simulation,
                                        const std::vector<StageMemory>& stages, double edge_bytes);

}  // namespace spillway::pipeline
