#pragma once

#include <string>

#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/schedules/registry.hpp"
#include "parallel/pipeline/simulate.hpp"

namespace spillway::pipeline {

/// Whether the schedule takes any number of chunks.
inline bool takes_any_chunks(const std::string& name) {
  try {
    return chunks_of(name, 3) == 3;
  } catch (const Error&) {
    return false;
  }
}

/// Seconds of one micro-batch on a rank's whole share of the layers.
struct RankCosts {
  double f = 1, i = 1, w = 1;
  double sum() const { return f + i + w; }
};

/// The named schedule, simulated without communication; each of v chunks takes 1/v of the costs.
inline Simulation simulate_named(const std::string& name, const ScheduleShape& shape,
                                 const RankCosts& costs) {
  const Schedule schedule = make_schedule(name, shape);
  const int stages = count_stages(schedule);
  const double part = static_cast<double>(shape.ranks) / stages;
  return simulate(lower(schedule),
                  uniform_costs(stages, costs.f * part, costs.i * part, costs.w * part));
}

}  // namespace spillway::pipeline
