#include "trainer/verdict.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace spillway::trainer {
namespace {

/// Two stages x two replicas, two micro-batches; stage 0 has parameters 0 and 1, stage 1 has 2.
const ParameterMap kMap{.names = {"a", "b", "c"}, .of_rank = {{0, 1}, {2}}};

std::vector<RankReport> reports() {
  std::vector<RankReport> all(4);
  all[0].squared_norms = all[2].squared_norms = {1, 4};
  all[1].squared_norms = all[3].squared_norms = {4};
  all[0].loss_sums = all[2].loss_sums = {0, 0};
  all[1].loss_sums = {10, 20};
  all[3].loss_sums = {30, 40};
  return all;
}

TEST(Verdict, LossIsTheMeanOverAllTargetTokensAndTheNormCountsEachParameterOnce) {
  const Verdict verdict = judge(reports(), kMap, 50);
  EXPECT_DOUBLE_EQ(verdict.loss, 2.0);
  EXPECT_DOUBLE_EQ(verdict.gradient_norm, 3.0);
  EXPECT_TRUE(verdict.keep());
  EXPECT_FALSE(verdict.stop_requested);
}

TEST(Verdict, NonFiniteNamesRankStageReplicaAndParameter) {
  auto all = reports();
  all[3].bad_parameter = 2;
  all[0].squared_norms[0] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(judge(all, kMap, 50).non_finite, "rank 3 (stage 1, replica 1): gradient of c");
  all[1].loss_finite = false;
  EXPECT_EQ(judge(all, kMap, 50).non_finite, "rank 1 (stage 1, replica 0): loss");
}

TEST(Verdict, AnOverflowThatOnlyTheSumHasIsNotKept) {
  auto all = reports();
  all[1].squared_norms = {std::numeric_limits<double>::infinity()};
  EXPECT_FALSE(judge(all, kMap, 50).keep());
}

TEST(Verdict, OneRankAskingToStopStopsAll) {
  auto all = reports();
  all[2].stop_requested = true;
  EXPECT_TRUE(judge(all, kMap, 50).stop_requested);
}

}  // namespace
}  // namespace spillway::trainer
