#pragma once

#include <vector>

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// The forwards of an evaluation step for a given placement (rank_of_stage of the training
/// schedule): each rank works through its stages as the wave of micro-batches reaches them. Holds
/// no activations for a backward.
Schedule forward_only(const std::vector<int>& rank_of_stage, int ranks, int microbatches);

}  // namespace spillway::pipeline
