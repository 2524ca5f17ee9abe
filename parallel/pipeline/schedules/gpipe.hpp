#pragma once

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// All forwards, then all backwards, each in micro-batch order; stage r on rank r. GPipe, Huang et
/// al. 2019, arXiv:1811.06965, 2.3. Idle per rank (p-1)(F+B); m micro-batches of activations on
/// every rank. Any ranks >= 1, microbatches >= 1.
Schedule gpipe(int ranks, int microbatches);

}  // namespace spillway::pipeline
