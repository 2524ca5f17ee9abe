#pragma once

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// Zero bubble on a V of two chunks a rank (VRank). Per rank r: 2(p-r)-1 forwards of chunk 0, r
/// forwards of each chunk in turn, p-r times F I W of chunk 1; then, steadily, F I W of chunk 0 and
/// F I W of chunk 1; at the end r Is of each chunk, p-r times I W of chunk 0, and the remaining Ws.
/// ZB-V, Qi et al. 2024, arXiv:2401.10241, 6.
///
/// At F = I = W no rank waits between its first and last action; idle per rank over the makespan
/// (p-1)F/2 for m >= 2p - 1, with F of the whole rank. Peak min(m, p) micro-batches of activations,
/// on every rank if m >= 2p - 1. Each micro-batch crosses twice as many edges as with 1f1b.
///
/// Any ranks >= 1, microbatches >= 1; with m < 2p - 1 it is the first m micro-batches of the
/// schedule for 2p - 1.
Schedule zbv(int ranks, int microbatches);

}  // namespace spillway::pipeline
