#pragma once

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// About a third of the activations of 1f1b, the least that a V allows without slowing its steady
/// state: a V of two chunks a rank whose micro-batches go down and up at full speed, forward and
/// backward (repeat_v_block). V-Min, Qi et al. 2024, arXiv:2405.15362, 3.2.
///
/// At F = I = W of the whole rank, idle per rank (2p - 5/2)F, or (2p - 3/2)F where 3 divides p
/// and p >= 6, for p >= 2 and m >= p: about two thirds of that of 1f1b. Peak min(m, (p+4)/3 rounded
/// down) micro-batches of activations. Each micro-batch crosses twice as many edges as with 1f1b.
/// Any ranks >= 1, microbatches >= 1, of which each has its block.
Schedule v_min(int ranks, int microbatches);

}  // namespace spillway::pipeline
