#include "parallel/pipeline/csv.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/pipeline/schedules/gpipe.hpp"
#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

using testing::HasSubstr;

TEST(Csv, WhatIsWrittenReadsBackTheSameForEverySizeOfPipeline) {
  for (int ranks = 1; ranks <= 5; ++ranks) {
    for (int microbatches = 1; microbatches <= 9; ++microbatches) {
      for (const Schedule& schedule :
           {gpipe(ranks, microbatches), one_f_one_b(ranks, microbatches)}) {
        EXPECT_EQ(parse_csv(to_csv(schedule), "text"), schedule);
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
