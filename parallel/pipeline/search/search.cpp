#include "parallel/pipeline/search/search.hpp"

#include <algorithm>
#include <cmath>

#include "configs/error.hpp"
#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/number_text.hpp"
#include "parallel/pipeline/search/solve.hpp"

namespace spillway::pipeline {
namespace {

/// Slots of a rank without a cap.
constexpr int kManySlots = 1 << 24;

double stages_per_rank(const SearchProblem& problem) {
  return static_cast<double>(problem.rank_of_stage.size()) / problem.ranks;
}

void check_sizes(const SearchProblem& problem) {
  const std::size_t stages = problem.rank_of_stage.size();
  if (problem.microbatches < 1 || problem.ranks < 1) {
    fail_input("a search needs at least 1 micro-batch and 1 rank, not " +
               std::to_string(problem.microbatches) + " and " + std::to_string(problem.ranks));
  }
  if (problem.costs.stages.size() != stages) {
    fail_input("costs of " + std::to_string(problem.costs.stages.size()) + " stages given for " +
               std::to_string(stages) + " stages");
  }
  if (problem.memory_cap.size() != static_cast<std::size_t>(problem.ranks)) {
    fail_input("memory caps of " + std::to_string(problem.memory_cap.size()) + " ranks given for " +
               std::to_string(problem.ranks) + " ranks");
  }
  std::vector<int> stages_on(problem.memory_cap.size());
  for (std::size_t stage = 0; stage < stages; ++stage) {
    const int rank = problem.rank_of_stage[stage];
    if (rank < 0 || rank >= problem.ranks) {
      fail_input("stage " + std::to_string(stage) + " is placed on rank " + std::to_string(rank) +
                 "; valid are 0.." + std::to_string(problem.ranks - 1));
    }
    ++stages_on[static_cast<std::size_t>(rank)];
  }
  const auto idle = std::ranges::find(stages_on, 0);
  if (idle != stages_on.end()) {
    fail_input("no stage is placed on rank " + std::to_string(idle - stages_on.begin()));
  }
}

std::vector<int> slots_of(const SearchProblem& problem) {
  std::vector<int> slots;
  for (const double cap : problem.memory_cap) {
    const double stages = cap * stages_per_rank(problem) + kTimeSlack;
    slots.push_back(stages < kManySlots ? static_cast<int>(stages) : kManySlots);
  }
  return slots;
}

/// A micro-batch is in flight on all stages of its rank at once, so they must fit; that is enough.
void check_caps(const SearchProblem& problem, const JobShop& shop) {
  for (int rank = 0; rank < shop.ranks; ++rank) {
    const auto r = static_cast<std::size_t>(rank);
    if (shop.slots[r] >= shop.stages_on(rank)) continue;
    fail_input("no schedule fits a memory cap of " + number_text(problem.memory_cap[r]) +
               " activations on rank " + std::to_string(rank) + "; the least that is enough is " +
               number_text(shop.stages_on(rank) / stages_per_rank(problem)));
  }
}

Simulation simulate_compute(const Schedule& compute, const Costs& costs) {
  return simulate(lower(compute, costs), costs);
}

bool fits(const Simulation& simulation, const std::vector<double>& caps) {
  for (std::size_t rank = 0; rank < caps.size(); ++rank) {
    if (simulation.peak_activations[rank] > caps[rank] + kTimeSlack) return false;
  }
  return true;
}

void check_seed(const Seed& seed, const SearchProblem& problem) {
  if (rank_of_stage(seed.schedule) != problem.rank_of_stage ||
      count_microbatches(seed.schedule) != problem.microbatches) {
    fail_input("the seed " + seed.name + " has another placement or number of micro-batches than " +
               "the search");
  }
}

}  // namespace

SearchResult search_schedule(const SearchProblem& problem, const std::vector<Seed>& seeds,
                             double effort) {
  check_sizes(problem);
  const JobShop shop =
      make_job_shop(problem.rank_of_stage, problem.costs, problem.microbatches, slots_of(problem));
  check_caps(problem, shop);
  SearchResult best{.makespan = INFINITY, .lower_bound = lower_bound(shop) * shop.unit_seconds};
  std::vector<Orders> starts;
  for (const Seed& seed : seeds) {
    check_seed(seed, problem);
    const Simulation simulation = simulate_compute(seed.schedule, problem.costs);
    if (!fits(simulation, problem.memory_cap)) continue;
    starts.push_back(to_orders(seed.schedule, shop));
    if (simulation.makespan >= best.makespan) continue;
    best.schedule = seed.schedule;
    best.makespan = simulation.makespan;
    best.origin = seed.name;
  }
  Schedule found = to_schedule(solve(shop, std::move(starts), effort).orders, shop);
  const double makespan = simulate_compute(found, problem.costs).makespan;
  if (makespan < best.makespan) {
    best.schedule = std::move(found);
    best.makespan = makespan;
    best.origin = "search";
  }
  return best;
}

}  // namespace spillway::pipeline
