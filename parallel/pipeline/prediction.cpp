#include "parallel/pipeline/prediction.hpp"

#include <algorithm>

#include "configs/error.hpp"
#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/number_text.hpp"

namespace spillway::pipeline {

double Prediction::bubble() const {
  double idle = 0;
  for (const Usage& usage : simulation.usage) idle += usage.idle_seconds;
  const double all = makespan() * static_cast<double>(simulation.usage.size());
  return all > 0 ? idle / all : 0;
}

double Prediction::peak_activations() const {
  return std::ranges::max(simulation.peak_activations);
}

double Prediction::peak_bytes() const {
  return std::ranges::max(memory, {}, &MemoryUse::peak_bytes).peak_bytes;
}

Prediction predict(std::string name, const ScheduleShape& shape, Schedule compute,
                   const Workload& workload) {
  Prediction prediction{.name = std::move(name), .shape = shape, .compute = std::move(compute)};
  prediction.lowered = lower(prediction.compute, workload.costs);
  prediction.simulation = simulate(prediction.lowered, workload.costs);
  prediction.memory = memory_over_time(prediction.simulation, workload.memory, workload.edge_bytes);
  for (const auto& actions : prediction.lowered.ranks) {
    prediction.messages += std::ranges::count_if(actions, is_send, &Action::op);
  }
  prediction.wire_bytes = static_cast<double>(prediction.messages) * workload.edge_bytes;
  return prediction;
}

bool fits(const Prediction& prediction, double cap) {
  return prediction.peak_activations() <= cap + 1e-9;  // chunks are fractions
}

void check_memory(const Prediction& prediction, double cap) {
  const auto& peaks = prediction.simulation.peak_activations;
  const auto most = std::ranges::max_element(peaks);
  if (fits(prediction, cap)) return;
  throw Error(ErrorKind::check, "parallel.schedule = \"" + prediction.name + "\" holds " +
                                    number_text(*most) + " activations on rank " +
                                    std::to_string(most - peaks.begin()) +
                                    "; --memory-cap allows " + number_text(cap));
}

}  // namespace spillway::pipeline
