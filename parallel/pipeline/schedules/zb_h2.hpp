#pragma once

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// zb-h1 with twice the warmup and twice the delay: 2(p-1-r) forwards ahead and W 2r micro-batches
/// behind I on rank r. ZB-H2, Qi et al. 2024, arXiv:2401.10241, 2.2.
///
/// Idle per rank (p-1) max(F, I - F, F + I - 2W) for m >= 2p - 1. At F = I = W no rank waits
/// between its first and last action, but the last rank still starts (p-1)F late: the makespan is
/// that of zb-h1 unless steps overlap. Slow hops are where the further warmup pays.
/// Peak min(m, 2p-1) micro-batches of activations on every rank.
///
/// Any ranks >= 1, microbatches >= 1; with m < 2p - 1 the warmup ends early.
Schedule zb_h2(int ranks, int microbatches);

}  // namespace spillway::pipeline
