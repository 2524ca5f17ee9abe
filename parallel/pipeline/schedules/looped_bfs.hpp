#pragma once

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// gpipe over v chunks a rank: all micro-batches through chunk 0, then chunk 1, ...; backwards in
/// the opposite order of chunks; stage c p + r is chunk c of rank r. Breadth-first pipeline,
/// Lamy-Poirier 2022, arXiv:2211.05953, 4.1.
///
/// Makespan ((v-1) max(m,p) + m + p - 1)(F+B)/v with F and B of the whole rank, so idle per rank
/// (p-1)(F+B)/v for m >= p. Peak m micro-batches of activations on every rank. With v = 1 it is
/// gpipe. Any ranks, chunks, microbatches >= 1.
Schedule looped_bfs(const ScheduleShape& shape);

}  // namespace spillway::pipeline
