#include "trainer/optimizer/learning_rate.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace spillway::trainer {
namespace {

config::OptimizerConfig schedule(std::int64_t warmup, std::int64_t decay = 0) {
  return {.learning_rate = 2.0,
          .final_learning_rate = 0.1,
          .warmup_steps = warmup,
          .decay_steps = decay};
}

TEST(LearningRate, WarmsUpLinearlyThenFallsAlongACosine) {
  const auto config = schedule(4);
  EXPECT_DOUBLE_EQ(learning_rate(config, 0, 104), 0.5);
  EXPECT_DOUBLE_EQ(learning_rate(config, 2, 104), 1.5);
  EXPECT_DOUBLE_EQ(learning_rate(config, 3, 104), 2.0);
  EXPECT_DOUBLE_EQ(learning_rate(config, 4, 104), 2.0);
  EXPECT_DOUBLE_EQ(learning_rate(config, 54, 104), 0.2 + 1.8 / 2);
  EXPECT_DOUBLE_EQ(learning_rate(config, 29, 104), 0.2 + 1.8 * 0.5 * (1 + std::sqrt(0.5)));
  EXPECT_DOUBLE_EQ(learning_rate(config, 104, 104), 0.2);
  EXPECT_DOUBLE_EQ(learning_rate(config, 500, 104), 0.2);
}

TEST(LearningRate, DecayStepsEndTheCosineBeforeTheRun) {
  EXPECT_DOUBLE_EQ(learning_rate(schedule(0, 10), 5, 1000), 1.1);
  EXPECT_DOUBLE_EQ(learning_rate(schedule(0, 10), 10, 1000), 0.2);
}

TEST(LearningRate, WithoutWarmupItStartsAtThePeakAndAShortRunStaysThere) {
  EXPECT_DOUBLE_EQ(learning_rate(schedule(0), 0, 10), 2.0);
  EXPECT_DOUBLE_EQ(learning_rate(schedule(20), 19, 10), 2.0);
  EXPECT_DOUBLE_EQ(learning_rate(schedule(20), 25, 10), 2.0);
}

}  // namespace
}  // namespace spillway::trainer
