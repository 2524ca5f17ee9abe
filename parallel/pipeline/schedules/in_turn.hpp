#pragma once

#include <vector>

#include "parallel/pipeline/action.hpp"

namespace spillway::pipeline {

/// One rank's order: `warmup` forwards (or all, if there are fewer), then one forward and one
/// backward in turn, then the remaining backwards. Each list in the order in which the rank works
/// through it; both are equally long.
std::vector<Action> in_turn(const std::vector<Action>& forwards,
                            const std::vector<Action>& backwards, int warmup);

/// The same order with every B split: I stands where B stood, and behind each I the W of the
/// backward `delay` before it; the last `delay` Ws stand at the end. Zero Bubble, Qi et al. 2024,
/// arXiv:2401.10241, 2.
std::vector<Action> split_backwards(const std::vector<Action>& actions, int delay);

}  // namespace spillway::pipeline
