#pragma once

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// About half the activations of 1f1b: a V of two chunks a rank whose micro-batches go down it at
/// half speed and up at full speed, forward and backward (repeat_v_block). V-Half, Qi et al. 2024,
/// arXiv:2405.15362, 3.2.
///
/// At F = I = W of the whole rank, idle per rank (3p - 4)F/2 for p >= 3 and m >= p (3F/2 for two
/// ranks): about half of that of 1f1b. Peak min(m, (p+2)/2 rounded down) micro-batches of
/// activations. Each micro-batch crosses twice as many edges as with 1f1b. Any ranks >= 1,
/// microbatches >= 1, of which each has its block.
Schedule v_half(int ranks, int microbatches);

}  // namespace spillway::pipeline
