#include "trainer/choose_plan.hpp"

#include <algorithm>

#include "configs/error.hpp"
#include "parallel/pipeline/recompute.hpp"
#include "parallel/pipeline/schedules/registry.hpp"
#include "trainer/plan_workload.hpp"
#include "trainer/try_each.hpp"

namespace spillway::trainer {
namespace {

ChosenPlan plan_named(const PlanRequest& request, Recompute recompute) {
  const config::ParallelConfig& parallel = request.config.parallel;
  pipeline::Schedule compute = named_schedule(parallel);
  if (request.placement) pipeline::check_placement(compute, *request.placement, "--placement");
  const std::vector<int> placement = pipeline::rank_of_stage(compute);
  const int ranks = static_cast<int>(parallel.stages);
  const pipeline::ScheduleShape shape{.ranks = ranks,
                                      .chunks = static_cast<int>(placement.size()) / ranks,
                                      .microbatches = static_cast<int>(parallel.microbatches)};
  if (recompute != Recompute::none) compute = pipeline::with_recompute(compute);
  return {.prediction = pipeline::predict(parallel.schedule, shape, std::move(compute),
                                          plan_workload(request, placement, recompute)),
          .recompute = recompute};
}

ChosenPlan plan_found(const PlanRequest& request, Recompute recompute) {
  FoundSchedule found = find_schedule(request, recompute);
  return {.prediction = std::move(found.prediction),
          .recompute = recompute,
          .found = std::move(found.origin)};
}

bool better(const ChosenPlan& one, const ChosenPlan& than, double cap) {
  const bool one_fits = fits(one.prediction, cap), than_fits = fits(than.prediction, cap);
  if (one_fits != than_fits) return one_fits;
  if (!one_fits) return one.prediction.peak_activations() < than.prediction.peak_activations();
  return one.prediction.makespan() < than.prediction.makespan() - 1e-9;
}

}  // namespace

std::vector<Recompute> recomputes_to_try(const PlanRequest& request) {
  const std::string& name = request.config.parallel.recompute;
  if (name != "auto") return {recompute_mode(name)};
  if (request.costs) return {Recompute::none, Recompute::full};
  return {Recompute::none, Recompute::selective, Recompute::full};
}

pipeline::Schedule named_schedule(const config::ParallelConfig& parallel) {
  return pipeline::make_schedule(parallel.schedule,
                                 {.ranks = static_cast<int>(parallel.stages),
                                  .chunks = static_cast<int>(parallel.chunks),
                                  .microbatches = static_cast<int>(parallel.microbatches)});
}

ChosenPlan choose_plan(const PlanRequest& request) {
  const bool search = request.config.parallel.schedule == "auto";
  std::optional<ChosenPlan> best;
  try_each(recomputes_to_try(request), [&](Recompute recompute) {
    ChosenPlan one = search ? plan_found(request, recompute) : plan_named(request, recompute);
    if (!best || better(one, *best, request.memory_cap)) best = std::move(one);
  });
  return *std::move(best);
}

}  // namespace spillway::trainer
