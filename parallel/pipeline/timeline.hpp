#pragma once

#include <vector>

#include "parallel/pipeline/action.hpp"

namespace spillway::pipeline {

/// When an action ran, in seconds since its rank began the step (simulated or measured).
/// Compute: start to end is the work itself. SEND, RECV: from posting to the end of the transfer
/// (measured: to when it was seen to be complete), beside the compute. REDUCE_GRAD: the callback.
struct TimedAction {
  Action action;
  double start = 0;
  double end = 0;
  double waited = 0;  ///< seconds idle just before start, for the input to arrive
};

/// One rank's actions of one step, in the order of the schedule.
using Timeline = std::vector<TimedAction>;

/// How a rank spent a step of `span` seconds: busy computing (and reducing), else idle.
struct Usage {
  double busy_seconds = 0;
  double idle_seconds = 0;
};
/// `span` is that of the whole pipeline, from the first start to the last end over its ranks.
Usage usage(const Timeline& timeline, double span);

/// The most micro-batches whose activations are held at once, from F to B or W, in units of the
/// rank's whole share of the layers, which it has in `chunks` stages.
double peak_activations(const Timeline& timeline, int chunks);

/// The last end; 0 for no actions.
double span(const Timeline& timeline);

}  // namespace spillway::pipeline
