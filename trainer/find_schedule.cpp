#include "trainer/find_schedule.hpp"

#include <algorithm>
#include <optional>

#include "configs/error.hpp"
#include "parallel/pipeline/schedules/registry.hpp"
#include "parallel/pipeline/search/search.hpp"
#include "trainer/plan_workload.hpp"

namespace spillway::trainer {
namespace {

using pipeline::Placement;

std::vector<Placement> placements_to_try(const PlanRequest& request) {
  if (request.placement) return {*request.placement};
  const config::ParallelConfig& parallel = request.config.parallel;
  if (parallel.stages == 1 && parallel.chunks == 1) return {Placement::linear};
  if (parallel.chunks > 1) return {Placement::loop, Placement::v};
  return {Placement::linear, Placement::loop, Placement::v};
}

pipeline::ScheduleShape shape_on(Placement placement, const config::ParallelConfig& parallel) {
  const int chunks = static_cast<int>(parallel.chunks);
  const bool doubled = placement != Placement::linear && chunks == 1;
  return {.ranks = static_cast<int>(parallel.stages),
          .chunks = doubled ? 2 : chunks,
          .microbatches = static_cast<int>(parallel.microbatches)};
}

/// The schedules of the registry with that shape and placement.
std::vector<pipeline::Seed> seeds_of(const pipeline::ScheduleShape& shape,
                                     const std::vector<int>& rank_of_stage) {
  std::vector<pipeline::Seed> seeds;
  for (const std::string& name : pipeline::schedule_names()) {
    try {
      pipeline::Schedule schedule = pipeline::make_schedule(name, shape);
      if (pipeline::rank_of_stage(schedule) != rank_of_stage) continue;
      seeds.push_back({name, std::move(schedule)});
    } catch (const Error&) {
      continue;  // it does not have as many chunks
    }
  }
  return seeds;
}

FoundSchedule search(const PlanRequest& request, Placement placement) {
  const pipeline::ScheduleShape shape = shape_on(placement, request.config.parallel);
  const std::vector<int> rank_of_stage = pipeline::rank_of_stage(placement, shape);
  pipeline::SearchResult result =
      pipeline::search_schedule({.rank_of_stage = rank_of_stage,
                                 .ranks = shape.ranks,
                                 .microbatches = shape.microbatches,
                                 .costs = plan_workload(request, shape).costs,
                                 .memory_cap = std::vector<double>(
                                     static_cast<std::size_t>(shape.ranks), request.memory_cap)},
                                seeds_of(shape, rank_of_stage));
  return {.compute = std::move(result.schedule),
          .placement = placement,
          .origin = std::move(result.origin),
          .makespan = result.makespan,
          .lower_bound = result.lower_bound};
}

}  // namespace

FoundSchedule find_schedule(const PlanRequest& request) {
  std::optional<FoundSchedule> best;
  std::optional<Error> refusal;
  for (const Placement placement : placements_to_try(request)) {
    try {
      FoundSchedule found = search(request, placement);
      if (!best || found.makespan < best->makespan - 1e-9) best = std::move(found);
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::input) throw;
      if (!refusal) refusal = error;
    }
  }
  if (!best) throw Error(*refusal);
  return *best;
}

}  // namespace spillway::trainer
