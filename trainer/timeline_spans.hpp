#pragma once

#include <vector>

#include "parallel/pipeline/simulate.hpp"
#include "trainer/observe/trace.hpp"
#include "trainer/trainer.hpp"

namespace spillway::trainer {

/// This rank's compute and waiting of a step, for a trace. Ranks of one host share a clock, and
/// spans count from the first rank's start; the ranks of another host, whose clock is another,
/// count from their own.
std::vector<Span> measured_spans(const StepResult& result, int rank);
/// The same of a timeline, where rank r began its pipeline at `starts[r]` (seconds since 1970) of a
/// step that took `seconds`.
std::vector<Span> measured_spans(const pipeline::Timeline& timeline,
                                 const std::vector<double>& starts, double seconds, int rank);

/// The same as the simulator predicts it, for the ranks of the first replica.
std::vector<Span> predicted_spans(const pipeline::Simulation& simulation);

}  // namespace spillway::trainer
