#pragma once

#include <array>
#include <vector>

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// How far apart the passes of one micro-batch run on neighbouring ranks of a V (VRank), in slots
/// of one chunk action: on its way down and up the V forward, down and up backward.
struct VOffsets {
  int forward_down = 1;
  int forward_up = 1;
  int backward_down = 1;
  int backward_up = 1;
};

/// A schedule of two chunks a rank from one building block: the F and I of one micro-batch,
/// repeated every six slots (two chunks times F, I, W). Pipeline Parallelism with Controllable
/// Memory, Qi et al. 2024, arXiv:2405.15362, 3: an activation lives as long as its micro-batch
/// needs from F to W, so that the offsets set the memory.
///
/// Within a block, a pass whose slot modulo six is taken on its rank moves to the next free one.
/// The repeated blocks give each rank the order of its Fs and Is. That order is then played in
/// slots, at F = I = W: a rank does what is next as soon as its inputs are there; an F that would
/// hold more than `limit` micro-batches (2 limit chunks) waits; a rank that cannot go on does its
/// oldest pending W.
Schedule repeat_v_block(int ranks, int microbatches, const VOffsets& offsets, int limit);

}  // namespace spillway::pipeline
