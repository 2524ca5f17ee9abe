#include "trainer/find_schedule.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "configs/error.hpp"
#include "data/tokens/byte_tokenizer.hpp"
#include "parallel/pipeline/held_activations.hpp"
#include "parallel/pipeline/number_text.hpp"
#include "parallel/pipeline/recompute.hpp"
#include "parallel/pipeline/schedules/registry.hpp"
#include "parallel/pipeline/search/search.hpp"
#include "trainer/model/partition.hpp"
#include "trainer/plan_workload.hpp"
#include "trainer/try_each.hpp"

namespace spillway::trainer {
namespace {

using pipeline::Placement;
using pipeline::Seed;

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

Candidate candidate_on(const PlanRequest& request, Placement placement) {
  const config::Config& config = request.config;
  const pipeline::ScheduleShape shape = shape_on(placement, config.parallel);
  if (!request.costs) {
    partition(resolve(config.model, data::kVocabulary), shape.stages(),
              config.parallel.layers_per_stage);
  }
  return {placement, shape, pipeline::rank_of_stage(placement, shape)};
}

/// The schedules of the registry with that shape and placement.
std::vector<Seed> seeds_of(const Candidate& candidate) {
  std::vector<Seed> seeds;
  for (const std::string& name : pipeline::schedule_names()) {
    try {
      pipeline::Schedule schedule = pipeline::make_schedule(name, candidate.shape);
      if (pipeline::rank_of_stage(schedule) != candidate.rank_of_stage) continue;
      seeds.push_back({name, std::move(schedule)});
    } catch (const Error&) {
      continue;  // it does not have as many chunks
    }
  }
  return seeds;
}

/// The search on one candidate.
class Search {
 public:
  Search(const PlanRequest& request, const Candidate& candidate, Recompute recompute)
      : request_(request),
        candidate_(candidate),
        recomputes_(recompute != Recompute::none),
        workload_(plan_workload(request, candidate.rank_of_stage, recompute)),
        kept_(kept_shares(workload_.memory)) {}

  FoundSchedule run() {
    std::vector<Seed> seeds = seeds_of(candidate_);
    pipeline::SearchResult result = search_schedule(problem(), seeds);
    lower_bound_ = result.lower_bound;
    if (!recomputes_) return found({result.origin, std::move(result.schedule)});
    seeds.push_back({result.origin, std::move(result.schedule)});
    return best_of(seeds);
  }

 private:
  pipeline::SearchProblem problem() const {
    pipeline::Costs costs = workload_.costs;
    if (recomputes_) {
      for (pipeline::StageCosts& stage : costs.stages) {
        stage.backward_input += stage.recompute;
        stage.backward += stage.recompute;
      }
    }
    std::vector<double> caps;
    caps.reserve(static_cast<std::size_t>(candidate_.shape.ranks));
    for (int rank = 0; rank < candidate_.shape.ranks; ++rank) caps.push_back(cap_of(rank));
    return {.rank_of_stage = candidate_.rank_of_stage,
            .ranks = candidate_.shape.ranks,
            .microbatches = candidate_.shape.microbatches,
            .costs = std::move(costs),
            .memory_cap = std::move(caps)};
  }

  /// So many activations can be in flight on the rank where one is whole.
  double cap_of(int rank) const {
    if (!recomputes_ || std::isinf(request_.memory_cap)) return request_.memory_cap;
    double kept = 0;
    for (std::size_t stage = 0; stage < kept_.size(); ++stage) {
      if (candidate_.rank_of_stage[stage] == rank) kept = std::max(kept, kept_[stage]);
    }
    const double chunk = 1.0 / candidate_.shape.chunks, whole = (1 - kept) * chunk;
    const double least = kept + whole;
    if (request_.memory_cap < least - pipeline::kCapSlack) {
      fail_input("no schedule fits a memory cap of " + pipeline::number_text(request_.memory_cap) +
                 " activations on rank " + std::to_string(rank) +
                 " with recomputation; the least that is enough is " +
                 pipeline::number_text(least));
    }
    return kept > 0 ? (request_.memory_cap - whole) / kept : INFINITY;
  }

  /// With its R, if it recomputes, and under the cap, if it can be.
  FoundSchedule found(const Seed& seed) const {
    pipeline::Schedule compute = seed.schedule;
    std::string name = seed.name;
    if (recomputes_) {
      const std::vector<double> caps(compute.ranks.size(),
                                     request_.memory_cap * candidate_.shape.chunks);
      const pipeline::Schedule repeated = pipeline::with_recompute(compute);
      compute = pipeline::with_early_weight_gradients(repeated, kept_, caps);
      if (compute != repeated) name = "search";
    }
    return {pipeline::predict("auto", candidate_.shape, std::move(compute), workload_),
            {name, candidate_.placement, lower_bound_}};
  }

  FoundSchedule best_of(const std::vector<Seed>& seeds) const {
    std::optional<FoundSchedule> best;
    for (const Seed& seed : seeds) {
      FoundSchedule one = found(seed);
      if (!fits(one.prediction, request_.memory_cap)) continue;
      if (best && one.prediction.makespan() >= best->prediction.makespan()) continue;
      best = std::move(one);
    }
    if (!best) {
      fail_input("no schedule was found for a memory cap of " +
                 pipeline::number_text(request_.memory_cap) + " activations with recomputation");
    }
    return *std::move(best);
  }

  const PlanRequest& request_;
  const Candidate& candidate_;
  bool recomputes_;
  pipeline::Workload workload_;
  std::vector<double> kept_;
  double lower_bound_ = 0;
};

}  // namespace

std::vector<Candidate> candidates(const PlanRequest& request) {
  std::vector<Candidate> all;
  try_each(placements_to_try(request),
           [&](Placement placement) { all.push_back(candidate_on(request, placement)); });
  return all;
}

FoundSchedule find_schedule(const PlanRequest& request, Recompute recompute) {
  std::optional<FoundSchedule> best;
  try_each(candidates(request), [&](const Candidate& candidate) {
    FoundSchedule found = Search(request, candidate, recompute).run();
    const double makespan = found.prediction.makespan();
    if (!best || makespan < best->prediction.makespan() - 1e-9) best = std::move(found);
  });
  return *std::move(best);
}

}  // namespace spillway::trainer
