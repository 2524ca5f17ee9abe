#include "trainer/prepare_layout.hpp"

#include <cmath>

#include "parallel/pipeline/number_text.hpp"
#include "trainer/calibrate.hpp"

namespace spillway::trainer {
namespace {

using pipeline::number_text;

std::string milliseconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", 1e3 * seconds);
  return text;
}

/// "12.1, 12.3"
std::string list(const std::vector<pipeline::StageCosts>& stages,
                 double pipeline::StageCosts::*cost) {
  std::string text;
  for (const pipeline::StageCosts& stage : stages) {
    text += (text.empty() ? "" : ", ") + milliseconds(stage.*cost);
  }
  return text;
}

std::string costs_in_words(const CalibrationResult& result, const MeasuredLayout& layout) {
  using Costs = pipeline::StageCosts;
  std::string text = std::string(result.reused ? "reused" : "measured") +
                     " costs of the stages, ms: F " + list(layout.stages, &Costs::forward) +
                     "; I " + list(layout.stages, &Costs::backward_input) + "; W " +
                     list(layout.stages, &Costs::backward_weight);
  if (layout.recompute != Recompute::none) {
    text += "; R " + list(layout.stages, &Costs::recompute);
  }
  return text + "; a hop " + milliseconds(result.calibration.hop_seconds) + " and " +
         milliseconds(result.calibration.transfer_seconds) + " more for an edge";
}

std::string choice_in_words(const config::ParallelConfig& parallel, const ChosenPlan& plan) {
  std::string text = parallel.schedule;
  if (plan.found) {
    text += " is " + plan.found->name + " on " + pipeline::to_string(plan.found->placement) +
            " placement";
  }
  if (parallel.recompute == "auto") text += ", recompute " + to_string(plan.recompute);
  return text + ": predicted makespan " + milliseconds(1e-3 * plan.prediction.makespan()) +
         " ms, bubble " + number_text(std::round(1e3 * plan.prediction.bubble()) / 10) + " %";
}

Event calibrated(const config::ParallelConfig& parallel, const CalibrationResult& result,
                 const ChosenPlan& plan) {
  const MeasuredLayout& layout =
      *result.calibration.find(pipeline::rank_of_stage(plan.prediction.compute), plan.recompute);
  Event event{.name = "calibration",
              .message = costs_in_words(result, layout) + "; " + choice_in_words(parallel, plan)};
  event.fields = {{"reused", result.reused},
                  {"hop_seconds", result.calibration.hop_seconds},
                  {"transfer_seconds", result.calibration.transfer_seconds},
                  {"recompute", to_string(plan.recompute)},
                  {"predicted_makespan", 1e-3 * plan.prediction.makespan()}};
  if (plan.found) {
    event.fields["origin"] = plan.found->name;
    event.fields["placement"] = pipeline::to_string(plan.found->placement);
  }
  return event;
}

}  // namespace

PreparedLayout prepare_layout(const config::Config& config, Ranks& ranks,
                              const std::filesystem::path& dir) {
  if (ranks.grid.stages() == 1) return {.layout = make_layout(config)};
  const CalibrationResult result = calibrate(config, ranks, dir);
  ranks.log.works("choosing schedule and recomputation");
  const ChosenPlan plan = plan_to_run(config, result.calibration);
  PreparedLayout prepared{.layout = make_layout(config, plan)};
  if (!result.warning.empty()) {
    prepared.events.push_back(
        {.name = "calibration_trouble", .message = result.warning, .level = Level::warning});
  }
  prepared.events.push_back(calibrated(config.parallel, result, plan));
  return prepared;
}

}  // namespace spillway::trainer
