#pragma once

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// 1F1B over v chunks a rank: stage c p + r is chunk c of rank r, which works through its chunks in
/// rounds of g micro-batches (LoopOrder, which says what becomes of a remainder). Warmup of
/// (v-1) g + 2(p-1-r) chunk forwards on rank r, then one forward and one backward in turn.
/// Narayanan et al. 2021, arXiv:2104.04473, 2.2.2.
///
/// Makespan ((v-1) max(m,p) + m + p - 1)(F+B)/v with F and B of the whole rank, so idle per rank
/// (p-1)(F+B)/v for m >= p. Peak min(m, ((v-1) g + 2(p-1-r) + 1) / v) micro-batches of activations.
/// Each micro-batch crosses v times as many edges as with 1f1b. With v = 1 it is 1f1b. Any ranks,
/// chunks, microbatches >= 1.
Schedule interleaved_one_f_one_b(const ScheduleShape& shape);

}  // namespace spillway::pipeline
