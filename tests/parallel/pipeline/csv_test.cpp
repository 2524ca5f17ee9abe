#include "parallel/pipeline/csv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "parallel/pipeline/validate.hpp"
#include "tests/parallel/pipeline/named_schedules.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

using testing::HasSubstr;

TEST(Csv, WhatIsWrittenReadsBackTheSameForEverySchedule) {
  for (const std::string& name : schedule_names()) {
    for (int ranks = 1; ranks <= 5; ++ranks) {
      for (int microbatches = 1; microbatches <= 11; ++microbatches) {
        const Schedule schedule =
            make_schedule(name, {.ranks = ranks,
                                 .chunks = takes_any_chunks(name) ? 1 + microbatches % 3 : 1,
                                 .microbatches = microbatches});
        EXPECT_EQ(parse_csv(to_csv(schedule), "text"), schedule) << name;
      }
    }
  }
}

TEST(Csv, ActionsStandInTheirSlotOfTime) {
  EXPECT_EQ(to_csv(one_f_one_b(2, 3)),
            "0F0,0F1,,0B0,0F2,0B1,,0B2\n"
            ",1F0,1B0,1F1,1B1,1F2,1B2\n");
}

TEST(Csv, SpacesEmptyCellsAndBothLineEndsAreAccepted) {
  EXPECT_EQ(to_text(parse_csv(",0F0, 0I0 ,,0W0,,\r\n 1F0,1B0", "text")), "0F0 0I0 0W0\n1F0 1B0\n");
}

TEST(Csv, OverlappedPairsAreOneCell) {
  const std::string text =
      "0F0,,,3F0,3B0,(0F1;0B0)OVERLAP_F_B,,,,3F1,3B1,,,0B1\n"
      ",1F0,2F0,,,2B0,1B0,1F1,2F1,,,2B1,1B1\n";
  const Schedule schedule = parse_csv(text, "text");
  EXPECT_EQ(to_text(schedule),
            "0F0 3F0 3B0 0F1 0B0 3F1 3B1 0B1\n1F0 2F0 2B0 1B0 1F1 2F1 2B1 1B1\n");
  EXPECT_EQ(schedule.overlapped, std::set<Action>({{0, Op::forward, 1}}));
  EXPECT_EQ(parse_csv(to_csv(schedule), "text"), schedule);
  EXPECT_THAT(to_csv(schedule), HasSubstr(",(0F1;0B0)OVERLAP_F_B,"));
  EXPECT_EQ(parse_csv("0F0, ( 0F1 ; 0B0 )OVERLAP_F_B ,0B1", "text").overlapped.size(), 1U);
}

TEST(Csv, BadPairsAreNamedWithLineAndCell) {
  const auto refused = [](const char* text) {
    return complaint([&] { parse_csv(text, "mine.csv"); });
  };
  EXPECT_THAT(refused("0F0,(0B0;0F1)OVERLAP_F_B"), HasSubstr("mine.csv:1, cell 2"));
  EXPECT_THAT(refused("(0F1;0I0)OVERLAP_F_B"), HasSubstr("is not an F and a B"));
  EXPECT_THAT(refused("(0F1;0B0;0F2)OVERLAP_F_B"), HasSubstr("action \"0B0;0F2\", character 4"));
  EXPECT_THAT(refused("(0F1)OVERLAP_F_B"), HasSubstr("action \"\", character 1"));
  EXPECT_THAT(refused("()OVERLAP_F_B"), HasSubstr("action \"\", character 1"));
  EXPECT_THAT(refused("(0F1;0B0)OVERLAP"), HasSubstr("action \"(0F1;0B0)OVERLAP\", character 1"));
  EXPECT_THAT(refused("(0F1;0SEND_B0)OVERLAP_F_B"), HasSubstr("is derived"));
}

TEST(Csv, APairThatCannotRunTogetherIsAFault) {
  const auto fault = [](const std::string& text) {
    const auto faults = find_faults(parse_csv(text, "text"), {.ranks = 1, .microbatches = 2});
    return faults.empty() ? "" : faults.front().reason;
  };
  EXPECT_EQ(fault("0F0,(0F1;0B0)OVERLAP_F_B,0B1"), "");
  EXPECT_THAT(fault("0F0,0B0,(0F1;0B1)OVERLAP_F_B"),
              HasSubstr("0F1 is overlapped, but is no F before the B of another"));
  Schedule apart = parse_csv("0F0,0F1,0B0,0B1", "text");
  const auto faults_with = [&](Action overlapped) {
    apart.overlapped = {overlapped};
    return find_faults(apart, {.ranks = 1, .microbatches = 2}).size();
  };
  EXPECT_EQ(faults_with({0, Op::forward, 1}), 0U);
  EXPECT_EQ(faults_with({0, Op::forward, 0}), 1U);   // before another F
  EXPECT_EQ(faults_with({0, Op::backward, 1}), 1U);  // at the end
  EXPECT_EQ(faults_with({0, Op::forward, 2}), 1U);   // not there
}

TEST(Csv, MistakesAreNamedWithLineAndCell) {
  const auto refused = [](const char* text) {
    return complaint([&] { parse_csv(text, "mine.csv"); });
  };
  EXPECT_THAT(refused("0F0,0B0\n1F0,,1BO\n"),
              HasSubstr("mine.csv:2, cell 3: action \"1BO\", character 2"));
  EXPECT_THAT(refused("0F0,0SEND_F0\n"),
              HasSubstr("mine.csv:1, cell 2: action \"0SEND_F0\" is derived"));
  EXPECT_THAT(refused("0F0;0B0\n"), HasSubstr("mine.csv:1, cell 1"));
  EXPECT_THAT(refused(""), HasSubstr("mine.csv: no lines"));
  EXPECT_THAT(complaint([] { read_csv("/nonexistent/x.csv"); }), HasSubstr("/nonexistent/x.csv"));
}

}  // namespace
}  // namespace spillway::pipeline
