#include "trainer/commands/compress_advise_model.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace spillway::trainer {
namespace {

TEST(PredictStep, WithoutExchangeItIsComputingAndUpdating) {
  const StepPrediction step = predict_step({.compute_seconds = 2, .update_seconds = 0.5}, {});
  EXPECT_DOUBLE_EQ(step.step_seconds, 2.5);
  EXPECT_DOUBLE_EQ(step.exposed_seconds, 0);
}

TEST(PredictStep, ABucketThatIsReadyLastIsExposedWhole) {
  const StepPrediction step =
      predict_step({.compute_seconds = 2, .update_seconds = 0.5}, {{.ready_seconds = 2,
                                                                    .compress_seconds = 0.1,
                                                                    .wire_seconds = 1,
                                                                    .decompress_seconds = 0.2}});
  EXPECT_NEAR(step.step_seconds, 3.8, 1e-12);
  EXPECT_NEAR(step.exposed_seconds, 1.3, 1e-12);
}

TEST(PredictStep, WhatFitsBesideTheBackwardCostsNothingWithACoreOfItsOwn) {
  const StepPrediction step =
      predict_step({.compute_seconds = 2}, {{0.5, 0.1, 0.6, 0.1}, {1.2, 0.1, 0.5, 0.1}});
  EXPECT_NEAR(step.step_seconds, 2, 1e-12);
  EXPECT_NEAR(step.exposed_seconds, 0, 1e-12);
}

TEST(PredictStep, BucketsWaitForTheOneBefore) {
  // The first is on the way from 0.5 to 2.5, the second, ready at 1, from 2.5 to 4.5.
  const StepPrediction step = predict_step({.compute_seconds = 2}, {{0.5, 0, 2, 0}, {1, 0, 2, 0}});
  EXPECT_NEAR(step.step_seconds, 4.5, 1e-12);
  EXPECT_NEAR(step.exposed_seconds, 2.5, 1e-12);
}

TEST(PredictStep, OnASharedCoreCompressionAddsWhatItTakes) {
  // From 1 on both run at half speed until 0.5 s of compression are done at 2, when 0.5 s of the
  // backward are left; the wire is free for it.
  const StepPrediction step =
      predict_step({.compute_seconds = 2, .rate_beside_compute = 0.5}, {{1, 0.5, 0.25, 0}});
  EXPECT_NEAR(step.step_seconds, 2.5, 1e-12);
  EXPECT_NEAR(step.exposed_seconds, 0, 1e-12);
}

TEST(PredictStep, AWireThatPollsSlowsTheBackward) {
  // The wire is used from 1 to 2, in which only 0.25 s are computed; 0.75 s are left.
  const StepPrediction step =
      predict_step({.compute_seconds = 2, .rate_beside_wire = 0.25}, {{1, 0, 1, 0}});
  EXPECT_NEAR(step.step_seconds, 2.75, 1e-12);
  const StepPrediction stopped =
      predict_step({.compute_seconds = 2, .rate_beside_wire = 0}, {{1, 0, 1, 0}});
  EXPECT_NEAR(stopped.step_seconds, 3, 1e-12);
}

TEST(BreakEven, WithoutOverlapIsSavedBytesOverExtraSeconds) {
  EXPECT_DOUBLE_EQ(*break_even_without_overlap(10e6, 2e6, 0.5), 16e6);
  EXPECT_FALSE(break_even_without_overlap(2e6, 10e6, 0.5));
  EXPECT_TRUE(std::isinf(*break_even_without_overlap(10e6, 2e6, -0.5)));
}

TEST(BreakEven, IsFoundByTheGain) {
  // 10 MB or 2 MB and half a second: equal at 16 MB/s.
  const auto gain = [](double bandwidth) { return 10e6 / bandwidth - (2e6 / bandwidth + 0.5); };
  EXPECT_NEAR(*break_even(gain, 1e4, 1e11), 16e6, 0.002 * 16e6);
  EXPECT_FALSE(break_even([](double) { return -1.0; }, 1e4, 1e11));
  EXPECT_DOUBLE_EQ(*break_even([](double) { return 1.0; }, 1e4, 1e11), 1e11);
}

/// Compression pays only where the dense exchange does not fit beside the backward.
TEST(BreakEven, WithOverlapIsWhereTheDenseExchangeBeginsToShow) {
  const StepBase base{.compute_seconds = 2};
  const auto gain = [&](double bandwidth) {
    const auto step = [&](double bytes, double extra) {
      return predict_step(base, {{1, extra, bytes / bandwidth, 0}}).step_seconds;
    };
    return step(10e6, 0) - step(1e6, 0.2);
  };
  EXPECT_NEAR(*break_even(gain, 1e4, 1e11), 10e6, 0.002 * 10e6);
}

}  // namespace
}  // namespace spillway::trainer
