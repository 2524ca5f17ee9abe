#include "parallel/pipeline/prediction.hpp"

#include <algorithm>

#include "configs/error.hpp"
#include "parallel/pipeline/held_activations.hpp"
#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/number_text.hpp"

namespace spillway::pipeline {

double Prediction::bubble() const {
  double idle = 0;
  for (const Usage& usage : simulation.usage) idle += usage.idle_seconds;
  const double all = makespan() * static_cast<double>(simulation.usage.size());
  return all > 0 ? idle / all : 0;
}

double Prediction::peak_activations() const { return std::ranges::max(held_activations); }

double Prediction::peak_bytes() const {
  return std::ranges::max(memory, {}, &MemoryUse::peak_bytes).peak_bytes;
}

std::vector<double> kept_shares(const std::vector<StageMemory>& stages) {
  std::vector<double> shares;
  shares.reserve(stages.size());
  for (const StageMemory& stage : stages) {
    shares.push_back(stage.activation_bytes > 0 ? stage.kept_bytes / stage.activation_bytes : 0);
  }
  return shares;
}

Prediction predict(std::string name, const ScheduleShape& shape, Schedule compute,
                   const Workload& workload) {
  Prediction prediction{.name = std::move(name), .shape = shape, .compute = std::move(compute)};
  prediction.lowered = lower(prediction.compute, workload.costs);
  prediction.simulation = simulate(prediction.lowered, workload.costs);
  prediction.memory = memory_over_time(prediction.simulation, workload.memory, workload.edge_bytes);
  const std::vector<double> kept = kept_shares(workload.memory);
  for (const auto& actions : prediction.lowered.ranks) {
    prediction.held_activations.push_back(most_held(actions, kept) / shape.chunks);
    prediction.messages += std::ranges::count_if(actions, is_send, &Action::op);
  }
  prediction.wire_bytes = static_cast<double>(prediction.messages) * workload.edge_bytes;
  return prediction;
}

bool fits(const Prediction& prediction, double cap) {
  return prediction.peak_activations() <= cap + kCapSlack;
}

void check_memory(const Prediction& prediction, double cap) {
  const auto& peaks = prediction.held_activations;
  const auto most = std::ranges::max_element(peaks);
  if (fits(prediction, cap)) return;
  throw Error(ErrorKind::check, "parallel.schedule = \"" + prediction.name + "\" holds " +
                                    number_text(*most) + " activations on rank " +
                                    std::to_string(most - peaks.begin()) + "; the cap is " +
                                    number_text(cap));
}

}  // namespace spillway::pipeline
