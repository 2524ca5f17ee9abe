#include "parallel/pipeline/step_report.hpp"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <array>

namespace spillway::pipeline {
namespace {

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

double median_seconds(const Timeline& timeline, int stage, Op op) {
  std::vector<double> seconds;
  for (const TimedAction& timed : timeline) {
    if (timed.action.stage == stage && timed.action.op == op) {
      seconds.push_back(timed.end - timed.start);
    }
  }
  return median(std::move(seconds));
}

constexpr std::size_t kPerStage = 5;
constexpr std::size_t kPerRank = 2;

/// The sum over ranks of vectors in which each rank fills its own places.
std::vector<float> gathered(comm::Communicator& pipeline, const std::vector<float>& mine,
                            at::Device device) {
  const at::Tensor host = at::zeros({static_cast<std::int64_t>(mine.size())}, at::kFloat);
  std::ranges::copy(mine, host.data_ptr<float>());
  const at::Tensor tensor = host.to(device);
  pipeline.all_reduce(tensor).wait();
  const at::Tensor sum = tensor.cpu();
  const float* values = sum.const_data_ptr<float>();
  return {values, values + mine.size()};
}

}  // namespace

StageCosts median_costs(const Timeline& timeline, int stage) {
  return {.forward = median_seconds(timeline, stage, Op::forward),
          .backward_input = median_seconds(timeline, stage, Op::backward_input),
          .backward_weight = median_seconds(timeline, stage, Op::backward_weight),
          .backward = median_seconds(timeline, stage, Op::backward),
          .recompute = median_seconds(timeline, stage, Op::recompute)};
}

StepReport report_step(comm::Communicator& pipeline, const Schedule& lowered, const Timeline& mine,
                       at::Device device) {
  const std::vector<int> placement = rank_of_stage(lowered);
  const std::size_t ranks = lowered.ranks.size();
  std::vector<float> numbers(ranks * kPerRank + placement.size() * kPerStage);
  const auto rank_entry = [&](std::size_t rank) { return numbers.data() + rank * kPerRank; };
  const auto stage_entry = [&](std::size_t stage) {
    return numbers.data() + ranks * kPerRank + stage * kPerStage;
  };
  const auto me = static_cast<std::size_t>(pipeline.rank());
  rank_entry(me)[0] = static_cast<float>(span(mine));
  rank_entry(me)[1] = static_cast<float>(usage(mine, 0).busy_seconds);
  for (std::size_t stage = 0; stage < placement.size(); ++stage) {
    if (placement[stage] != pipeline.rank()) continue;
    const StageCosts costs = median_costs(mine, static_cast<int>(stage));
    const std::array<double, kPerStage> seconds{costs.forward, costs.backward_input,
                                                costs.backward_weight, costs.backward,
                                                costs.recompute};
    std::ranges::transform(seconds, stage_entry(stage),
                           [](double s) { return static_cast<float>(s); });
  }
  numbers = gathered(pipeline, numbers, device);

  StepReport report;
  for (std::size_t stage = 0; stage < placement.size(); ++stage) {
    const float* entry = stage_entry(stage);
    report.costs.stages.push_back({entry[0], entry[1], entry[2], entry[3], entry[4]});
  }
  const Simulation predicted = simulate(lowered, report.costs);
  report.predicted_seconds = predicted.makespan;
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    report.measured_seconds = std::max<double>(report.measured_seconds, rank_entry(rank)[0]);
  }
  for (std::size_t rank = 0; rank < ranks; ++rank) {
    const double busy = rank_entry(rank)[1];
    report.ranks.push_back({.measured = {busy, report.measured_seconds - busy},
                            .predicted = predicted.usage[rank],
                            .predicted_peak_activations = predicted.peak_activations[rank]});
  }
  return report;
}

}  // namespace spillway::pipeline
