#pragma once

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// A compute schedule whose stages recompute activations: R in front of each B or I that has none
/// yet. R does not need the gradient that arrives for B or I, so it runs while that is under way.
/// Activation checkpointing, Chen et al. 2016, arXiv:1604.06174.
Schedule with_recompute(const Schedule& compute);

}  // namespace spillway::pipeline
