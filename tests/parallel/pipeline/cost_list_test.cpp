#include "parallel/pipeline/cost_list.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string refusal(const std::string& text) {
  return complaint([&] { parse_costs(text); });
}

TEST(CostList, NumbersAreOfARankAndSharedByItsChunks) {
  const CostList list = parse_costs("F=1,I=2,W=0.5");
  EXPECT_EQ(list.comm, 0);
  const Costs costs = costs_of(list, {.ranks = 3, .chunks = 2});
  ASSERT_EQ(costs.stages.size(), 6U);
  for (const StageCosts& stage : costs.stages) {
    EXPECT_EQ(stage.forward, 0.5);
    EXPECT_EQ(stage.backward_input, 1);
    EXPECT_EQ(stage.backward_weight, 0.25);
    EXPECT_EQ(stage.backward, 1.25);
  }
  EXPECT_EQ(costs.hop_seconds, 0);
}

TEST(CostList, ListsAreOfEachStageChunksIncluded) {
  const CostList list = parse_costs("comm=0.5,W=1;2;3;4,F=1e-1;.2;3;4,I=2");
  EXPECT_THAT(list.forward, ElementsAre(0.1, 0.2, 3, 4));
  const Costs costs = costs_of(list, {.ranks = 2, .chunks = 2});
  EXPECT_EQ(costs.hop_seconds, 0.5);
  EXPECT_EQ(costs.stages[3].forward, 4);
  EXPECT_EQ(costs.stages[3].backward_input, 1);
  EXPECT_EQ(costs.stages[3].backward, 5);
}

TEST(CostList, ListsOfAnotherLengthAreRefused) {
  EXPECT_EQ(complaint([] { costs_of(parse_costs("F=1,I=1;2;3,W=1"), {.ranks = 2, .chunks = 2}); }),
            "costs: I lists 3 stages; valid: 1 number, or 4 (parallel.stages x chunks = 2 x 2)");
}

TEST(CostList, JunkIsRefusedWithItsPosition) {
  EXPECT_EQ(refusal(""), "costs \"\", character 1: expected F= | I= | W= | R= | comm=");
  EXPECT_EQ(refusal("F=1,B=2"),
            "costs \"F=1,B=2\", character 5: expected F= | I= | W= | R= | comm=");
  EXPECT_THAT(refusal("F=1,I=1,W=1,"), HasSubstr("character 13: expected F= |"));
  EXPECT_THAT(refusal("F=1,I=1,W=1 "), HasSubstr("character 12: expected , or ; or the end"));
  EXPECT_THAT(refusal("F=1, I=1,W=1"), HasSubstr("character 5: expected F= |"));
  EXPECT_THAT(refusal("F=1,F=1"), HasSubstr("character 5: expected F only once"));
  EXPECT_THAT(refusal("F=1,I=1"), HasSubstr("character 8: expected ,W=NUMBER"));
  EXPECT_THAT(refusal("F=1,I=1,W"), HasSubstr("character 10: expected ="));
  for (const char* bad : {"F=", "F=-1", "F=nan", "F=inf", "F=1e999", "F=one", "F=1;", "F=0x"}) {
    EXPECT_NE(refusal(std::string(bad) + ",I=1,W=1"), "") << bad;
  }
  EXPECT_THAT(refusal("F=1;-2,I=1,W=1"), HasSubstr("character 5: expected a number of at least 0"));
  EXPECT_THAT(refusal("F=1,I=1,W=1,comm=1;2"),
              HasSubstr("character 19: expected , or ; or the end"));
}

}  // namespace
}  // namespace spillway::pipeline
