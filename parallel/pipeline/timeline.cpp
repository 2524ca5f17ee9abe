#include "parallel/pipeline/timeline.hpp"

#include <algorithm>

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

Usage usage(const Timeline& timeline, double span) {
  double busy = 0;
  for (const TimedAction& timed : timeline) {
    const Op op = timed.action.op;
    if (is_compute(op) || op == Op::reduce_gradient) busy += timed.end - timed.start;
  }
  return {.busy_seconds = busy, .idle_seconds = span - busy};
}

double peak_activations(const Timeline& timeline, int chunks) {
  std::vector<Action> actions;
  for (const TimedAction& timed : timeline) actions.push_back(timed.action);
  return static_cast<double>(most_activations(actions)) / chunks;
}

double span(const Timeline& timeline) {
  double last = 0;
  for (const TimedAction& timed : timeline) last = std::max(last, timed.end);
  return last;
}

}  // namespace spillway::pipeline
