#pragma once

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// zb-h1 over v chunks a rank: the order of interleaved-1f1b with a warmup of (v-1) g + p-1-r chunk
/// forwards, and on rank r W runs r chunk backwards behind I; rounds of g micro-batches as
/// LoopOrder says, which also says what becomes of a remainder. Qi et al. 2024,
/// arXiv:2401.10241, 2.1, on the loop of Narayanan et al. 2021, arXiv:2104.04473, 2.2.2.
///
/// Idle per rank (p-1)(F + I - min(F, I, W))/v for m >= p, with F, I and W of the whole rank. Peak
/// min(m, ((v-1) g + p) / v) micro-batches of activations on every rank: p where p divides m. With
/// v = 1 it is zb-h1. Any ranks, chunks, microbatches >= 1.
Schedule interleaved_zb(const ScheduleShape& shape);

}  // namespace spillway::pipeline
