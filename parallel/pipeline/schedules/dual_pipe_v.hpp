#pragma once

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// A V of two chunks a rank (VRank) whose steady state overlaps the forward of one chunk with the
/// backward of the other (Schedule::overlapped), so that the communication inside a stage of one
/// hides behind the compute of the other. Eight phases, see the source. DualPipeV (DeepSeek's
/// DualPipe cut in half), DeepSeek-AI 2024, arXiv:2412.19437, 3.2.1.
///
/// With f, i, w, b = i + w of one chunk and f&b of an overlapped pair, idle per rank
/// (p-1)(f&b + b - 3w) where f = i >= w; where f >= i >= w, f - i more per rank, so
/// (p-1)(2f + i - w) at f&b = f + b, which is what the simulator takes: it pays only where stages
/// communicate inside. Both for m >= 2p. Peak min(m, p + 1/2) micro-batches of activations on every
/// rank for m >= 2p. Any ranks >= 1, microbatches >= 1; with m < 2p it is the first m micro-batches
/// of the schedule for 2p.
Schedule dual_pipe_v(int ranks, int microbatches);

}  // namespace spillway::pipeline
