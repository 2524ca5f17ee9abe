#include "trainer/rehearsal.hpp"

#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "trainer/step_statistics.hpp"
#include "trainer/timeline_spans.hpp"

namespace spillway::trainer {
namespace {

constexpr std::int64_t kNumbers = 3;  // a rank's start, span and busy time, in nanoseconds

std::int64_t nanoseconds(double seconds) { return std::llround(1e9 * seconds); }

double unix_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

double RehearsedStep::makespan() const {
  double longest = 0;
  for (const RehearsedRank& rank : ranks) longest = std::max(longest, rank.span);
  return longest;
}

Rehearsal::Rehearsal(Ranks& ranks, const pipeline::Schedule& lowered, const pipeline::Costs& costs)
    : ranks_(ranks),
      lowered_(lowered),
      edges_(ranks.grid, pipeline::rank_of_stage(lowered)),
      predicted_(pipeline::simulate(lowered, costs)) {
  const std::vector<int> placement = pipeline::rank_of_stage(lowered);
  for (int stage = 0; stage < edges_.stages(); ++stage) {
    const auto index = static_cast<std::size_t>(stage);
    if (placement[index] != ranks.grid.stage()) continue;
    owned_.push_back(std::make_unique<pipeline::PacedStage>(
        pipeline::PacedStage::Options{.stage = stage,
                                      .stages = edges_.stages(),
                                      .costs = costs.stages[index],
                                      .edge_bytes = std::llround(costs.edge_bytes)}));
    stages_[stage] = owned_.back().get();
  }
}

RehearsedStep Rehearsal::step() {
  RehearsedStep step;
  ranks_.log.waits("all ranks at the start of a step");
  ranks_.world->barrier().wait();
  const double start = unix_now();
  step.timeline = pipeline::execute(
      lowered_, stages_, edges_, [](int) {}, ranks_.log);
  const double span = pipeline::span(step.timeline);
  ranks_.log.waits("the times of all ranks");
  step.ranks = gather(start, span, pipeline::usage(step.timeline, span).busy_seconds);
  return step;
}

std::vector<RehearsedRank> Rehearsal::gather(double start, double span, double busy) const {
  const auto world = static_cast<std::size_t>(ranks_.control->size());
  std::vector<std::int64_t> mine{nanoseconds(start), nanoseconds(span), nanoseconds(busy)};
  std::vector<std::int64_t> all(world * kNumbers);
  const auto wrap = [](std::vector<std::int64_t>& numbers) {
    return at::from_blob(numbers.data(), {std::ssize(numbers)}, at::kLong);
  };
  ranks_.control->all_gather(wrap(all), wrap(mine)).wait();
  std::vector<RehearsedRank> ranks;
  for (std::size_t rank = 0; rank < world; ++rank) {
    const std::int64_t* numbers = all.data() + rank * kNumbers;
    ranks.push_back({.start = 1e-9 * static_cast<double>(numbers[0]),
                     .span = 1e-9 * static_cast<double>(numbers[1]),
                     .busy = 1e-9 * static_cast<double>(numbers[2])});
  }
  return ranks;
}

StepMetrics Rehearsal::metrics(std::int64_t number, const RehearsedStep& step) const {
  StepMetrics metrics(number);
  const double makespan = step.makespan();
  const RehearsedRank& first = step.ranks.front();
  double busy = 0, predicted_idle = 0;
  for (const RehearsedRank& rank : step.ranks) busy += rank.busy;
  for (const pipeline::Usage& usage : predicted_.usage) predicted_idle += usage.idle_seconds;
  metrics.set(metric::kStepSeconds, makespan);
  metrics.set(metric::kComputeSeconds, first.busy);
  metrics.set(metric::kBubbleSeconds, makespan - first.busy);
  metrics.set(metric::kBubble,
              100 * (1 - busy / (makespan * static_cast<double>(step.ranks.size()))));
  metrics.set(
      metric::kPredictedBubble,
      100 * predicted_idle / (predicted_.makespan * static_cast<double>(predicted_.usage.size())));
  metrics.set(metric::kMakespan, makespan);
  metrics.set(metric::kPredictedMakespan, predicted_.makespan);
  for (std::size_t rank = 0; rank < step.ranks.size(); ++rank) {
    const std::string prefix = "pipeline/rank-" + std::to_string(rank) + "/";
    metrics.set(prefix + "busy(s)", step.ranks[rank].busy);
    metrics.set(prefix + "idle(s)", makespan - step.ranks[rank].busy);
    if (rank >= predicted_.usage.size()) continue;
    metrics.set(prefix + "predicted_idle(s)", predicted_.usage[rank].idle_seconds);
    metrics.set(prefix + "predicted_peak_activations", predicted_.peak_activations[rank]);
  }
  return metrics;
}

std::vector<Span> Rehearsal::spans(const RehearsedStep& step) const {
  std::vector<double> starts;
  starts.reserve(step.ranks.size());
  for (const RehearsedRank& rank : step.ranks) starts.push_back(rank.start);
  const int rank = ranks_.control->rank();
  std::vector<Span> spans =
      gather_spans(*ranks_.control, measured_spans(step.timeline, starts, step.makespan(), rank));
  if (rank > 0) return {};
  for (Span& span : predicted_spans(predicted_)) spans.push_back(std::move(span));
  return spans;
}

RehearsalSummary summarize(const std::vector<RehearsedStep>& steps,
                           const pipeline::Simulation& predicted) {
  RehearsalSummary summary{.predicted = predicted.makespan,
                           .peak_activations = predicted.peak_activations};
  for (const RehearsedStep& step : steps) summary.makespans.push_back(step.makespan());
  summary.makespan = percentile(summary.makespans, 0.5);
  for (std::size_t rank = 0; rank < predicted.usage.size(); ++rank) {
    std::vector<double> idle;
    idle.reserve(steps.size());
    for (const RehearsedStep& step : steps) {
      idle.push_back(step.makespan() - step.ranks[rank].busy);
    }
    summary.idle.push_back(percentile(std::move(idle), 0.5));
    summary.predicted_idle.push_back(predicted.usage[rank].idle_seconds);
  }
  return summary;
}

}  // namespace spillway::trainer
