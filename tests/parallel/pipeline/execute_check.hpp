#pragma once

#include <string>

#include "parallel/comm/communicator.hpp"
#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// Runs `compute` once on toy stages over a grid of its ranks, and expects what one process gets
/// that runs the whole model micro-batch by micro-batch: every loss and every gradient, to the bit.
/// Also: each stage's gradients are announced once, after its last backward; the timeline is whole
/// and in order; nothing stays alive. Collective over `world`, whose size is a multiple of the
/// schedule's ranks.
void expect_same_bits(comm::Communicator& world, const Schedule& compute, std::int64_t scale = 1);

/// Runs the schedule with R in front of each backward: it reaches the stage, and changes no bit.
void expect_recompute_before_each_backward(comm::Communicator& world, const Schedule& compute);

/// The same for losses of an evaluation with the placement of `compute`, between two training steps
/// whose gradients it must not change.
void expect_evaluation_leaves_no_trace(comm::Communicator& world, const Schedule& compute);

/// Schedules with two stages a rank: all micro-batches through one chunk after the other, stage c p
/// + r on rank r, or on a V (p = 2).
Schedule loop_of_chunks(int ranks, int microbatches);
Schedule v_of_chunks(int microbatches);

/// The same with each backward in halves: of every rank `delay` second halves are left over while
/// first halves go on, and run oldest or newest first.
Schedule split_backward(Schedule compute, std::size_t delay, bool newest_first = false);

/// ZB-H1 of 4 ranks (Qi et al. 2024, arXiv:2401.10241), and a V of 2 ranks that mixes whole and
/// split backwards and adds weight gradients out of order.
Schedule zero_bubble_by_hand();
Schedule split_v_by_hand();

}  // namespace spillway::pipeline
