#include "parallel/pipeline/compare.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configs/error.hpp"
#include "parallel/pipeline/schedules/gpipe.hpp"
#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

using testing::ElementsAre;

constexpr ScheduleShape kShape{.ranks = 4, .microbatches = 8};

Workload workload(double hop) {
  Workload one{.costs = uniform_costs(4, 1, 1, 1),
               .memory = std::vector<StageMemory>(4, {.activation_bytes = 1}),
               .edge_bytes = 3};
  one.costs.hop_seconds = hop;
  return one;
}

Proposal proposal(const std::string& name, const Schedule& schedule, double hop = 0) {
  return {name, [=] { return predict(name, kShape, schedule, workload(hop)); }};
}

std::vector<std::string> lines(const std::vector<Contender>& contenders) {
  std::vector<std::string> text;
  for (const Contender& one : contenders) text.push_back(one.name + ": " + one.verdict);
  return text;
}

TEST(Prediction, SumsUpWhatTheSimulatorSays) {
  const Prediction prediction = proposal("1f1b", one_f_one_b(4, 8)).predict();
  EXPECT_EQ(prediction.makespan(), 33);
  EXPECT_DOUBLE_EQ(prediction.bubble(), 9.0 / 33);  // (p - 1) / (m + p - 1)
  EXPECT_EQ(prediction.peak_activations(), 4);
  EXPECT_EQ(prediction.messages, 2 * 3 * 8);
  EXPECT_EQ(prediction.wire_bytes, 3 * 48);
  EXPECT_GE(prediction.peak_bytes(), 4);
}

TEST(Prediction, AboveTheCapTheRankThatHoldsTheMostIsNamed) {
  const Prediction prediction = proposal("1f1b", one_f_one_b(4, 8)).predict();
  EXPECT_NO_THROW(check_memory(prediction, 4));
  try {
    check_memory(prediction, 3.5);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::check);
    EXPECT_STREQ(error.what(),
                 "parallel.schedule = \"1f1b\" holds 4 activations on rank 0; the cap is 3.5");
  }
}

TEST(Compare, TheFasterIsPickedAndAmongEqualsTheSmaller) {
  EXPECT_THAT(lines(compare({proposal("gpipe", gpipe(4, 8)), proposal("1f1b", one_f_one_b(4, 8))})),
              ElementsAre("1f1b: picked", "gpipe: as fast, but holds 8 activations, not 4"));
  EXPECT_THAT(lines(compare(
                  {proposal("1f1b", one_f_one_b(4, 8), 0.5), proposal("gpipe", gpipe(4, 8), 0.5)})),
              ElementsAre("gpipe: picked", "1f1b: slower by 13.9 %"));  // 41 against 36
}

TEST(Compare, WhatExceedsTheCapOrCannotBeHadComesLast) {
  const Proposal absent{"zbv", []() -> Prediction { fail_input("too few layers\nmore"); }};
  EXPECT_THAT(lines(compare({absent, proposal("gpipe", gpipe(4, 8), 0.5),
                             proposal("1f1b", one_f_one_b(4, 8), 0.5)},
                            4)),
              ElementsAre("1f1b: picked", "gpipe: holds 8 activations, the cap is 4",
                          "zbv: too few layers"));
  const auto none = compare({proposal("1f1b", one_f_one_b(4, 8))}, 2);
  EXPECT_FALSE(none.front().fits);
  EXPECT_EQ(none.front().verdict, "holds 4 activations, the cap is 2");
}

TEST(Compare, FaultsAreNotVerdicts) {
  EXPECT_THROW(compare({{"broken", []() -> Prediction { fail("broken"); }}}), Error);
}

}  // namespace
}  // namespace spillway::pipeline
