#include "parallel/pipeline/search/search.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "parallel/pipeline/placement.hpp"
#include "parallel/pipeline/search/dispatch.hpp"
#include "parallel/pipeline/validate.hpp"
#include "tests/parallel/pipeline/named_schedules.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

using testing::HasSubstr;

constexpr double kNoCap = std::numeric_limits<double>::infinity();

SearchProblem problem_of(Placement placement, const ScheduleShape& shape, double cap) {
  return {.rank_of_stage = rank_of_stage(placement, shape),
          .ranks = shape.ranks,
          .microbatches = shape.microbatches,
          .costs = uniform_costs(shape.stages(), 1, 1, 1),
          .memory_cap = std::vector<double>(static_cast<std::size_t>(shape.ranks), cap)};
}

Costs random_costs(int stages, double hop, std::mt19937& random) {
  std::uniform_int_distribution<int> twentieths(4, 40);
  Costs costs = uniform_costs(stages, 1, 1, 1);
  costs.hop_seconds = hop;
  for (StageCosts& stage : costs.stages) {
    stage.forward = twentieths(random) / 20.0;
    stage.backward_input = twentieths(random) / 20.0;
    stage.backward_weight = twentieths(random) / 20.0;
    stage.backward = stage.backward_input + stage.backward_weight;
  }
  return costs;
}

/// Every order of one rank's F, I and W, with micro-batches in turn, that fits `slots`.
void append_orders(std::vector<std::vector<Action>>& all, std::vector<Action>& actions, int stage,
                   int microbatches, int slots, int f = 0, int i = 0, int w = 0) {
  if (w == microbatches) all.push_back(actions);
  const auto go_on = [&](Op op, int microbatch, int df, int di, int dw) {
    actions.push_back({stage, op, microbatch});
    append_orders(all, actions, stage, microbatches, slots, f + df, i + di, w + dw);
    actions.pop_back();
  };
  if (f < microbatches && f - w < slots) go_on(Op::forward, f, 1, 0, 0);
  if (i < f) go_on(Op::backward_input, i, 0, 1, 0);
  if (w < i) go_on(Op::backward_weight, w, 0, 0, 1);
}

/// The least makespan of two stages on two ranks, by trying everything.
double exhaustive(const SearchProblem& problem) {
  std::vector<std::vector<Action>> orders[2];
  for (int rank = 0; rank < 2; ++rank) {
    std::vector<Action> actions;
    const double cap = problem.memory_cap[static_cast<std::size_t>(rank)];
    append_orders(orders[rank], actions, rank, problem.microbatches,
                  static_cast<int>(std::min(cap, 99.0)));
  }
  double least = kNoCap;
  for (const auto& first : orders[0]) {
    for (const auto& second : orders[1]) {
      const Schedule schedule{.ranks = {first, second}};
      try {
        least = std::min(least, simulate(lower(schedule, problem.costs), problem.costs).makespan);
      } catch (const Deadlock&) {
        continue;
      }
    }
  }
  return least;
}

TEST(Search, FindsWhatTryingEverythingFinds) {
  std::mt19937 random(3);
  std::uniform_int_distribution<int> quarter_hops(0, 8), caps(1, 3);
  for (int trial = 0; trial < 12; ++trial) {
    const int microbatches = 1 + trial % 3;
    SearchProblem problem =
        problem_of(Placement::linear, {.ranks = 2, .microbatches = microbatches}, 1);
    problem.costs = random_costs(2, quarter_hops(random) / 4.0, random);
    for (double& cap : problem.memory_cap) cap = caps(random);
    const SearchResult result = search_schedule(problem, {}, 0.2);
    EXPECT_NEAR(result.makespan, exhaustive(problem), 1e-9) << "trial " << trial;
    EXPECT_LE(result.lower_bound, result.makespan + 1e-9) << "trial " << trial;
  }
}

TEST(Search, SchedulesAreValidFitTheirCapsAndLastAsLongAsSimulated) {
  std::mt19937 random(5);
  std::uniform_int_distribution<int> ranks(1, 5), microbatches(1, 9), quarter_hops(0, 8);
  std::uniform_int_distribution<int> chunks_of(1, 3), half_caps(2, 9);
  for (int trial = 0; trial < 40; ++trial) {
    const int chunks = chunks_of(random);
    const ScheduleShape shape{
        .ranks = ranks(random), .chunks = chunks, .microbatches = microbatches(random)};
    const Placement several = trial % 2 == 0 ? Placement::loop : Placement::v;
    SearchProblem problem = problem_of(chunks == 1 ? Placement::linear : several, shape, kNoCap);
    problem.costs = random_costs(shape.stages(), quarter_hops(random) / 4.0, random);
    for (double& cap : problem.memory_cap) cap = half_caps(random) / 2.0;
    const SearchResult result = search_schedule(problem, {}, 0.02);
    EXPECT_NO_THROW(validate(result.schedule, shape));
    EXPECT_EQ(rank_of_stage(result.schedule), problem.rank_of_stage);
    const Simulation simulation = simulate(lower(result.schedule, problem.costs), problem.costs);
    EXPECT_NEAR(simulation.makespan, result.makespan, 1e-9);
    for (std::size_t rank = 0; rank < problem.memory_cap.size(); ++rank) {
      EXPECT_LE(simulation.peak_activations[rank], problem.memory_cap[rank] + 1e-9);
    }
    EXPECT_GE(result.makespan, result.lower_bound - 1e-9);
  }
}

TEST(Search, SameInputGivesTheSameSchedule) {
  SearchProblem problem =
      problem_of(Placement::v, {.ranks = 3, .chunks = 2, .microbatches = 7}, 2.5);
  problem.costs.hop_seconds = 0.3;
  const Schedule first = search_schedule(problem, {}, 0.1).schedule;
  EXPECT_EQ(search_schedule(problem, {}, 0.1).schedule, first);
}

TEST(Search, UnitsOfTimeDoNotMatter) {
  SearchProblem problem =
      problem_of(Placement::loop, {.ranks = 3, .chunks = 2, .microbatches = 5}, 3);
  problem.costs.hop_seconds = 0.5;
  const SearchResult seconds = search_schedule(problem, {}, 0.05);
  constexpr double kScale = 1.0 / (1 << 20);  // a power of 2: nothing is rounded
  problem.costs = uniform_costs(6, kScale, kScale, kScale);
  problem.costs.hop_seconds = 0.5 * kScale;
  const SearchResult microseconds = search_schedule(problem, {}, 0.05);
  EXPECT_EQ(microseconds.schedule, seconds.schedule);
  EXPECT_EQ(microseconds.makespan, seconds.makespan * kScale);
}

TEST(Search, IsNeverWorseThanASeedThatFits) {
  for (const char* name : {"zb-h1", "1f1b", "gpipe"}) {
    SearchProblem problem = problem_of(Placement::linear, {.ranks = 4, .microbatches = 8}, 4);
    const Schedule schedule = make_schedule(name, {.ranks = 4, .microbatches = 8});
    const double seed = simulate(lower(schedule), problem.costs).makespan;
    const SearchResult result = search_schedule(problem, {{name, schedule}}, 0.001);
    if (std::string(name) == "gpipe") {
      EXPECT_EQ(result.origin, "search") << "8 activations do not fit a cap of 4";
    } else {
      EXPECT_LE(result.makespan, seed);
    }
  }
}

TEST(Search, ReturnsTheSeedWhoseWholeBackwardIsCheaperThanItsHalves) {
  SearchProblem problem = problem_of(Placement::linear, {.ranks = 2, .microbatches = 3}, kNoCap);
  for (StageCosts& stage : problem.costs.stages) stage.backward = 0.5;
  const Seed seed{"1f1b", make_schedule("1f1b", {.ranks = 2, .microbatches = 3})};
  const SearchResult result = search_schedule(problem, {seed}, 0.1);
  EXPECT_EQ(result.origin, "1f1b");
  EXPECT_EQ(result.schedule, seed.schedule);
  EXPECT_EQ(result.makespan, (3 + 1) * 1.5);
}

TEST(Search, CapsThatAllowNoScheduleAreRefusedWithTheLeastThatDo) {
  SearchProblem problem = problem_of(Placement::v, {.ranks = 2, .chunks = 2, .microbatches = 3}, 1);
  EXPECT_GT(search_schedule(problem, {}, 0.01).makespan, 0);
  problem.memory_cap[1] = 0.5;
  EXPECT_THAT(complaint([&] { search_schedule(problem, {}); }),
              HasSubstr("no schedule fits a memory cap of 0.5 activations on rank 1; the least "
                        "that is enough is 1"));
}

TEST(Search, SizesThatDoNotGoTogetherAreRefused) {
  const SearchProblem good = problem_of(Placement::linear, {.ranks = 2, .microbatches = 3}, 2);
  const auto refusal = [&](const auto& spoil, const std::vector<Seed>& seeds = {}) {
    SearchProblem problem = good;
    spoil(problem);
    return complaint([&] { search_schedule(problem, seeds); });
  };
  EXPECT_THAT(refusal([](SearchProblem& p) { p.microbatches = 0; }), HasSubstr("not 0 and 2"));
  EXPECT_THAT(refusal([](SearchProblem& p) { p.costs.stages.pop_back(); }),
              HasSubstr("costs of 1 stages given for 2 stages"));
  EXPECT_THAT(refusal([](SearchProblem& p) { p.memory_cap.push_back(1); }),
              HasSubstr("memory caps of 3 ranks given for 2 ranks"));
  EXPECT_THAT(refusal([](SearchProblem& p) { p.rank_of_stage[1] = 2; }),
              HasSubstr("stage 1 is placed on rank 2; valid are 0..1"));
  EXPECT_THAT(refusal([](SearchProblem& p) { p.rank_of_stage[1] = 0; }),
              HasSubstr("no stage is placed on rank 1"));
  const Schedule other = make_schedule("1f1b", {.ranks = 2, .microbatches = 4});
  EXPECT_THAT(refusal([](SearchProblem&) {}, {{"mine", other}}), HasSubstr("the seed mine has"));
}

TEST(Search, NoPrioritiesDeadlockTheDispatcher) {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> due(0, 1);
  for (const Placement placement : {Placement::loop, Placement::v}) {
    for (int chunks = 2; chunks <= 4; ++chunks) {
      const ScheduleShape shape{.ranks = 3, .chunks = chunks, .microbatches = 7};
      for (int trial = 0; trial < 50; ++trial) {
        const JobShop shop = make_job_shop(rank_of_stage(placement, shape),
                                           random_costs(shape.stages(), 0.5, random), 7,
                                           std::vector<int>(3, chunks + trial % 3));
        Priorities priorities{.patience = due(random) * 2};
        priorities.due.resize(static_cast<std::size_t>(shop.action_count()));
        for (double& one : priorities.due) one = due(random);
        priorities.in_flight.assign(static_cast<std::size_t>(shop.stages), 1 + trial % 4);
        Dispatcher dispatcher(shop);
        const double makespan = dispatcher.run(priorities);
        EXPECT_LT(makespan, kNoCap);
        EXPECT_TRUE(fits(dispatcher.orders(), shop));
        EXPECT_LE(OrderClock(shop).run(dispatcher.orders()), makespan + 1e-9);
      }
    }
  }
}

}  // namespace
}  // namespace spillway::pipeline
