#pragma once

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// 1f1b with its backward split: on rank r, W runs r micro-batches behind I and fills the bubble;
/// stage r on rank r. ZB-H1, Qi et al. 2024, arXiv:2401.10241, 2.1.
///
/// Idle per rank (p-1)(F + I - min(F, I, W)) for m >= p: a third of that of 1f1b at F = I = W. With
/// k = min(m, p), the makespan for any m is the largest of
///   (p-1)F + m(F+I) + (m-k)W + (p-1)I + W,
///   (p-1)F + m(F+I) + mW + (p-k)I,
///   max(m,p) F + (p-1)I + m(I+W).
/// Peak min(m, p) micro-batches of activations on every rank. Any ranks >= 1, microbatches >= 1.
Schedule zb_h1(int ranks, int microbatches);

}  // namespace spillway::pipeline
