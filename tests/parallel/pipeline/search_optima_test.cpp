// The search against proved optima (schedule_optima.csv, stated in schedule_optima.md), and on a
// pipeline of 16 stages.
#include <gtest/gtest.h>
#include <time.h>

#include <algorithm>

#include "parallel/pipeline/placement.hpp"
#include "parallel/pipeline/search/search.hpp"
#include "parallel/pipeline/validate.hpp"
#include "tests/parallel/pipeline/named_schedules.hpp"
#include "tests/parallel/pipeline/optima.hpp"

namespace spillway::pipeline {
namespace {

/// Processor time of this thread: other work on the machine does not count.
double now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

/// The most activations that a rank holds at once, by the times of a simulation.
double peak(const Timeline& timeline, int chunks) {
  double most = 0;
  for (const TimedAction& at : timeline) {
    int held = 0;
    for (const TimedAction& other : timeline) {
      if (other.start > at.start + 1e-9) continue;
      held += other.action.op == Op::forward;
      held -= adds_weight_gradient(other.action.op) && other.end <= at.start + 1e-9;
    }
    most = std::max(most, static_cast<double>(held) / chunks);
  }
  return most;
}

TEST(SearchOptima, GapsAreWithinTheirBars) {
  double sum = 0, worst = 0, slowest = 0;
  const auto rows = read_rows();
  ASSERT_EQ(rows.size(), 92);
  for (const Row& row : rows) {
    const ScheduleShape shape{.ranks = std::stoi(row.at("ranks")),
                              .chunks = std::stoi(row.at("chunks")),
                              .microbatches = std::stoi(row.at("microbatches"))};
    const Costs costs = costs_of(row);
    const double cap = std::stod(row.at("cap")), optimum = std::stod(row.at("optimum"));
    const double start = now();
    const SearchResult result = search_schedule(
        {.rank_of_stage = rank_of_stage(parse_placement("placement", row.at("placement")), shape),
         .ranks = shape.ranks,
         .microbatches = shape.microbatches,
         .costs = costs,
         .memory_cap = std::vector<double>(static_cast<std::size_t>(shape.ranks), cap)},
        {});
    slowest = std::max(slowest, now() - start);
    EXPECT_NO_THROW(validate(result.schedule, shape)) << row.at("id");
    const Simulation simulation = simulate(lower(result.schedule, costs), costs);
    EXPECT_NEAR(simulation.makespan, result.makespan, 1e-9) << row.at("id");
    EXPECT_GE(result.makespan, std::stod(row.at("lower_bound")) - 1e-9) << row.at("id");
    EXPECT_LE(result.lower_bound, optimum + 1e-9) << row.at("id");
    for (const Timeline& timeline : simulation.ranks) {
      EXPECT_LE(peak(timeline, shape.chunks), cap + 1e-9) << row.at("id");
    }
    const double gap = result.makespan / optimum - 1;
    sum += gap;
    worst = std::max(worst, gap);
  }
  EXPECT_LE(sum / static_cast<double>(rows.size()), 0.01);
  EXPECT_LE(worst, 0.03);
  EXPECT_LE(slowest, 1);
  RecordProperty("mean_gap", std::to_string(sum / static_cast<double>(rows.size())));
  RecordProperty("worst_gap", std::to_string(worst));
  RecordProperty("slowest_seconds", std::to_string(slowest));
}

TEST(SearchOptima, SixteenStagesOf64MicrobatchesTakeLessThanFiveSeconds) {
  const ScheduleShape shape{.ranks = 16, .microbatches = 64};
  Costs costs = uniform_costs(16, 1, 1.2, 0.8);
  costs.hop_seconds = 0.5;
  std::vector<Seed> seeds;
  double best_seed = std::numeric_limits<double>::infinity();
  for (const char* name : {"1f1b", "zb-h1"}) {
    seeds.push_back({name, make_schedule(name, shape)});
    const Schedule lowered = lower(seeds.back().schedule, costs);
    best_seed = std::min(best_seed, simulate(lowered, costs).makespan);
  }
  const double start = now();
  const SearchResult result =
      search_schedule({.rank_of_stage = rank_of_stage(Placement::linear, shape),
                       .ranks = 16,
                       .microbatches = 64,
                       .costs = costs,
                       .memory_cap = std::vector<double>(16, 16)},
                      seeds);
  EXPECT_LE(now() - start, 5);
  EXPECT_LE(result.makespan, best_seed);
  EXPECT_GE(result.makespan, result.lower_bound - 1e-9);
}

}  // namespace
}  // namespace spillway::pipeline
