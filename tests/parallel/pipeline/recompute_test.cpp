#include "parallel/pipeline/recompute.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/pipeline/csv.hpp"
#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/memory.hpp"
#include "parallel/pipeline/schedules/registry.hpp"
#include "parallel/pipeline/simulate.hpp"
#include "parallel/pipeline/validate.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

using testing::HasSubstr;

TEST(Recompute, StandsInFrontOfEachBackwardThatHasNone) {
  const Schedule compute = from_text("0F0 0F1 0R1 0F2 0I1 0B0 0I2 0W1 0W2");
  EXPECT_EQ(to_text(with_recompute(compute)), "0F0 0F1 0R1 0F2 0I1 0R0 0B0 0R2 0I2 0W1 0W2\n");
}

TEST(Recompute, EveryScheduleStaysValidAndRoundTrips) {
  for (const char* name : {"gpipe", "1f1b", "interleaved-1f1b", "zb-h2", "zbv", "dualpipev"}) {
    const ScheduleShape shape{.ranks = 3, .chunks = chunks_of(name, 1), .microbatches = 7};
    const Schedule compute = with_recompute(make_schedule(name, shape));
    validate(compute, shape);
    EXPECT_EQ(parse_csv(to_csv(compute), name), compute) << name;
  }
}

TEST(Recompute, MisplacedOnesAreFaults) {
  const ScheduleShape shape{.ranks = 1, .chunks = 1, .microbatches = 1};
  const auto fault = [&](const char* text) {
    return complaint([&] { validate(from_text(text), shape); });
  };
  EXPECT_EQ(fault("0F0 0R0 0B0"), "");
  EXPECT_THAT(fault("0R0 0F0 0B0"), HasSubstr("0R0 comes before 0F0"));
  EXPECT_THAT(fault("0F0 0B0 0R0"), HasSubstr("0B0 comes before 0R0"));
  EXPECT_THAT(fault("0F0 0I0 0R0 0W0"), HasSubstr("0I0 comes before 0R0"));
  EXPECT_THAT(fault("0F0 0R0 0R0 0B0"), HasSubstr("0R0 is there twice"));
}

TEST(Recompute, CostsItsTimeAndHoldsOneMicrobatchAtATime) {
  const ScheduleShape shape{.ranks = 4, .chunks = 1, .microbatches = 8};
  const Schedule plain = make_schedule("1f1b", shape);
  Costs costs = uniform_costs(4, 1, 1, 1);
  for (StageCosts& stage : costs.stages) stage.recompute = 0.75;
  const Simulation kept = simulate(lower(plain), costs);
  const Simulation repeated = simulate(lower(with_recompute(plain)), costs);
  // Each backward is dearer by R, except that the ends of the pipe need not wait with theirs.
  EXPECT_DOUBLE_EQ(kept.makespan, 33);
  EXPECT_GE(repeated.makespan, 33 + 8 * 0.75);
  EXPECT_LE(repeated.makespan, 33 + 11 * 0.75);
  EXPECT_EQ(kept.peak_activations, (std::vector<double>{4, 3, 2, 1}));
  EXPECT_EQ(repeated.peak_activations, (std::vector<double>{1, 1, 1, 1}));
  const std::vector<StageMemory> stages(4, {.activation_bytes = 10, .kept_bytes = 1});
  EXPECT_EQ(memory_over_time(kept, stages, 0)[0].peak_bytes, 40);
  EXPECT_EQ(memory_over_time(repeated, stages, 0)[0].peak_bytes, 13);
}

}  // namespace
}  // namespace spillway::pipeline
