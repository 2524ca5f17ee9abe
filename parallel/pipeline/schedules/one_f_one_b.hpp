#pragma once

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// Warmup of p-1-r forwards on rank r, then one forward and one backward in turn, then the
/// remaining backwards; stage r on rank r. PipeDream-Flush, Narayanan et al. 2021,
/// arXiv:2104.04473, 2.2.1. Idle per rank (p-1)(F+B) as with gpipe, but only min(m, p-r)
/// micro-batches of activations. Any ranks >= 1, microbatches >= 1.
Schedule one_f_one_b(int ranks, int microbatches);

}  // namespace spillway::pipeline
