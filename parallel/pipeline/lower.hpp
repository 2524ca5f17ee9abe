#pragma once

#include "parallel/pipeline/schedule.hpp"
#include "parallel/pipeline/simulate.hpp"

namespace spillway::pipeline {

/// Receives are posted at least this many compute actions ahead of their consumer, so that a
/// transfer overlaps with compute; more would hold more buffers, one costs the overlap as soon as a
/// transfer takes longer than one action.
inline constexpr int kReceiveAhead = 2;

/// Derives what authors do not write, from a valid compute schedule (validate()):
/// - SEND_F, SEND_B right behind the action that makes the tensor, or behind the block that the
/// action is a part of (Schedule::overlapped), where the neighbouring stage stands on another rank;
/// - the matching RECVs, kReceiveAhead before their consumer; earlier where the `costs` of those
/// actions do not cover a transfer, so that a rendezvous send never waits for its receive longer
/// than the consumer does anyway, and where the order of the route asks for it: on each route
///   receives stand in the order of the sends. RECV_B stands behind its own F, whose output has the
///   shape of the gradient;
/// - REDUCE_GRAD behind the last backward of each stage.
/// The compute actions keep their order. Throws Error(input) for a message without consumer or
/// route.
Schedule lower(const Schedule& compute, const Costs& costs = {});

}  // namespace spillway::pipeline
