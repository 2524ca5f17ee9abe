#include "trainer/step_statistics.hpp"

#include <gtest/gtest.h>

#include <random>

namespace spillway::trainer {
namespace {

TEST(StepStatistics, PercentileInterpolatesLikeNumpy) {
  EXPECT_DOUBLE_EQ(percentile({4, 1, 3, 2}, 0.5), 2.5);
  EXPECT_DOUBLE_EQ(percentile({10, 20, 30}, 0.9), 28.0);
  EXPECT_DOUBLE_EQ(percentile({7}, 0.99), 7.0);
}

TEST(StepStatistics, EqualStepsGiveAnEmptyInterval) {
  const Interval interval =
      throughput_interval(std::vector<double>(20, 100.0), std::vector<double>(20, 0.5));
  EXPECT_DOUBLE_EQ(interval.low, 200.0);
  EXPECT_DOUBLE_EQ(interval.high, 200.0);
}

TEST(StepStatistics, IntervalCoversTheTrueRateAboutAsOftenAsItSays) {
  std::mt19937_64 random(3);
  std::normal_distribution<double> seconds(1.0, 0.1);
  int covered = 0;
  for (int round = 0; round < 60; ++round) {
    std::vector<double> steps(40);
    for (double& step : steps) step = seconds(random);
    const Interval interval = throughput_interval(std::vector<double>(40, 10.0), steps);
    covered += interval.low <= 10.0 && 10.0 <= interval.high;
  }
  EXPECT_GE(covered, 49);
  EXPECT_LE(covered, 60);
}

}  // namespace
}  // namespace spillway::trainer
