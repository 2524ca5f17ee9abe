#pragma once

#include <cstdint>

#include "configs/schema.hpp"

namespace spillway::trainer {

/// Learning rate of optimizer step `step` (0, 1, ...) of a run of `run_steps`: linear warm-up that
/// reaches the peak at step warmup_steps - 1, then half a cosine that reaches final_learning_rate x
/// peak at decay_steps (0: run_steps), and stays there (Loshchilov and Hutter 2017,
/// arXiv:1608.03983, equation 5). A pure function, so a resumed run continues on the same curve.
double learning_rate(const config::OptimizerConfig& optimizer, std::int64_t step,
                     std::int64_t run_steps);

}  // namespace spillway::trainer
