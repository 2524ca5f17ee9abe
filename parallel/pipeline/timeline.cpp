#include "parallel/pipeline/timeline.hpp"

#include <algorithm>

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
  int held = 0, peak = 0;
  for (const TimedAction& timed : timeline) {
    if (timed.action.op == Op::forward) peak = std::max(peak, ++held);
    if (adds_weight_gradient(timed.action.op)) --held;
  }
  return static_cast<double>(peak) / chunks;
}

double span(const Timeline& timeline) {
  double last = 0;
  for (const TimedAction& timed : timeline) last = std::max(last, timed.end);
  return last;
}

}  // namespace spillway::pipeline
