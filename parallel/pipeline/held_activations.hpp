#pragma once

#include <vector>

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// What a cap on a rank's activations counts: most_activations(), but what is recomputed is held
/// from its F on with `kept[stage]` of its size (its input, or more), and whole from its R on.
/// kept: by stage, 0 to 1.
double most_held(const std::vector<Action>& actions, const std::vector<double>& kept);

/// `compute` with weight gradients (W) moved ahead, the oldest first, to where a rank would
/// otherwise come to hold more than cap[rank] activations of one stage, as most_held() counts;
/// where none is left to be moved it still does.
Schedule with_early_weight_gradients(const Schedule& compute, const std::vector<double>& kept,
                                     const std::vector<double>& cap);

}  // namespace spillway::pipeline
