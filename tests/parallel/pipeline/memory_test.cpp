#include "parallel/pipeline/memory.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/schedules/forward_only.hpp"
#include "parallel/pipeline/schedules/gpipe.hpp"
#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

using testing::HasSubstr;

std::vector<MemoryUse> use(const Schedule& compute, const Costs& costs,
                           const std::vector<StageMemory>& stages, double edge_bytes) {
  return memory_over_time(simulate(lower(compute), costs), stages, edge_bytes);
}

/// What a rank holds at a time.
MemorySample at(const MemoryUse& use, double time) {
  MemorySample found;
  for (const MemorySample& sample : use.samples) {
    if (sample.time <= time) found = sample;
  }
  return found;
}

TEST(Memory, ActivationsAloneMatchTheClosedForms) {
  std::mt19937 random(3);
  std::uniform_int_distribution<int> ranks_of(1, 9), microbatches_of(1, 20);
  std::uniform_real_distribution<double> seconds_of(0.1, 2);
  for (int trial = 0; trial < 100; ++trial) {
    const int p = ranks_of(random), m = microbatches_of(random);
    const Costs costs = uniform_costs(p, seconds_of(random), seconds_of(random), 0.5);
    const std::vector<StageMemory> stages(static_cast<std::size_t>(p), {.activation_bytes = 10});
    const auto all_first = use(gpipe(p, m), costs, stages, 0);
    const auto in_turn = use(one_f_one_b(p, m), costs, stages, 0);
    for (int r = 0; r < p; ++r) {
      EXPECT_EQ(all_first[static_cast<std::size_t>(r)].peak_bytes, 10 * m);
      EXPECT_EQ(in_turn[static_cast<std::size_t>(r)].peak_bytes, 10 * std::min(m, p - r));
    }
  }
}

TEST(Memory, SplitBackwardHoldsActivationsToTheWeightHalf) {
  const auto ranks = use(from_text("0F0 0I0 0F1 0I1 0W0 0W1"), uniform_costs(1, 1, 1, 1),
                         {{.activation_bytes = 1}}, 0);
  EXPECT_EQ(ranks[0].peak_bytes, 2);
  EXPECT_EQ(at(ranks[0], 4.5).activation_bytes, 2);  // W0 runs
  EXPECT_EQ(at(ranks[0], 5.5).activation_bytes, 1);  // W1 runs
}

TEST(Memory, TheInputHalfLeavesWhatTheWeightHalfNeeds) {
  const auto ranks = use(from_text("0F0 0I0 0F1 0I1 0W0 0W1"), uniform_costs(1, 1, 1, 1),
                         {{.activation_bytes = 8, .split_bytes = 3}}, 0);
  EXPECT_EQ(at(ranks[0], 1.5).activation_bytes, 8);      // I0 runs
  EXPECT_EQ(at(ranks[0], 2.5).activation_bytes, 3 + 8);  // F1 runs
  EXPECT_EQ(ranks[0].peak_bytes, 3 + 8);
  EXPECT_EQ(at(ranks[0], 4.5).activation_bytes, 6);  // W0 runs
  EXPECT_EQ(at(ranks[0], 5.5).activation_bytes, 3);  // W1 runs
  EXPECT_EQ(at(ranks[0], 6).activation_bytes, 0);
}

TEST(Memory, GradientsAreHeldFromTheFirstBackwardToTheEndOfTheStep) {
  // Rank 0: F 0..1, B 4..6; rank 1: F 1..2, B 2..4.
  const auto ranks = use(gpipe(2, 1), uniform_costs(2, 1, 1, 1),
                         {{.activation_bytes = 1, .gradient_bytes = 100},
                          {.activation_bytes = 1, .gradient_bytes = 300}},
                         0);
  EXPECT_EQ(at(ranks[0], 3.9).gradient_bytes, 0);
  EXPECT_EQ(at(ranks[0], 4).gradient_bytes, 100);
  EXPECT_EQ(at(ranks[1], 2).gradient_bytes, 300);
  EXPECT_EQ(at(ranks[1], 5.9).gradient_bytes, 300);
  EXPECT_EQ(at(ranks[1], 6).total(), 0);
  EXPECT_EQ(ranks[1].peak_bytes, 301);
}

TEST(Memory, BuffersLiveFromThePostToTheArrivalOrTheConsumer) {
  Costs costs = uniform_costs(2, 1, 1, 1);
  costs.hop_seconds = 0.5;
  // Rank 0: F 0..1, sends 1..1.5; B waits for its gradient to 5. Rank 1: receives 0..1.5, F, B
  // 2.5..4.5, sends 4.5..5.
  const auto ranks = use(gpipe(2, 1), costs, {{}, {}}, 8);
  EXPECT_EQ(at(ranks[0], 1.2).buffer_bytes, 8 + 8);  // on its way out; the gradient's buffer
  EXPECT_EQ(at(ranks[0], 1.5).buffer_bytes, 8);
  EXPECT_EQ(at(ranks[0], 6.9).buffer_bytes, 8);  // B needs the gradient to its end
  EXPECT_EQ(at(ranks[0], 7).buffer_bytes, 0);
  EXPECT_EQ(at(ranks[1], 0).buffer_bytes, 8);
  EXPECT_EQ(at(ranks[1], 1.5).buffer_bytes, 0);  // now one of the activations
  EXPECT_EQ(at(ranks[1], 4.7).buffer_bytes, 8);
}

TEST(Memory, StagesOfOneRankHandOverInABuffer) {
  const auto held = use(from_text("0F0 1F0 1B0 0B0"), uniform_costs(2, 1, 1, 0), {{}, {}}, 5);
  EXPECT_EQ(held[0].peak_bytes, 5);             // the gradient, from the end of 1B0 on
  EXPECT_EQ(at(held[0], 1.5).buffer_bytes, 0);  // the activation is one of stage 1's own
  EXPECT_EQ(at(held[0], 3.5).buffer_bytes, 5);
  EXPECT_EQ(at(held[0], 4).buffer_bytes, 0);
}

TEST(Memory, EvaluationHoldsNothingBeyondItsForwards) {
  const Schedule schedule = forward_only({0, 1, 2}, 3, 7);
  const auto ranks = use(schedule, uniform_costs(3, 1, 0, 0),
                         std::vector<StageMemory>(3, {.activation_bytes = 2}), 0);
  for (const MemoryUse& rank : ranks) EXPECT_EQ(rank.peak_bytes, 2);
}

TEST(Memory, EndsAtZeroAndAgreesWithThePeakOfTheSimulator) {
  std::mt19937 random(11);
  std::uniform_real_distribution<double> seconds_of(0.1, 2);
  const Schedule v = from_text(
      "0F0 3F0 0F1 3I0 3W0 3F1 0B0 3B1 0I1 0W1\n"
      "1F0 2F0 1F1 2F1 2B0 1B0 2I1 1I1 2W1 1W1");
  for (int trial = 0; trial < 50; ++trial) {
    Costs costs = uniform_costs(4, seconds_of(random), seconds_of(random), seconds_of(random));
    costs.hop_seconds = seconds_of(random);
    const Simulation simulation = simulate(lower(v), costs);
    const auto ranks =
        memory_over_time(simulation, std::vector<StageMemory>(4, {.activation_bytes = 0.5}), 0);
    const auto full = memory_over_time(
        simulation, std::vector<StageMemory>(4, {.activation_bytes = 3, .gradient_bytes = 7}), 2);
    for (std::size_t r = 0; r < 2; ++r) {
      EXPECT_EQ(ranks[r].peak_bytes, simulation.peak_activations[r]);
      EXPECT_NEAR(full[r].samples.back().total(), 0, 1e-9);
      EXPECT_EQ(full[r].samples.back().time, simulation.makespan);
      EXPECT_TRUE(std::ranges::is_sorted(full[r].samples, {}, &MemorySample::time));
    }
  }
}

TEST(Memory, AWrongNumberOfStagesIsRefused) {
  EXPECT_THAT(complaint([] { use(gpipe(2, 1), uniform_costs(2, 1, 1, 1), {{}}, 0); }),
              HasSubstr("memory of 1 stages given for 2 stages"));
}

}  // namespace
}  // namespace spillway::pipeline
