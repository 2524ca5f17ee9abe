#include "parallel/pipeline/placement.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const char* const kV = "0F0 3F0 3B0 0B0\n1F0 2F0 2B0 1B0";

std::string refusal(const Schedule& schedule, Placement wanted) {
  return complaint([&] { check_placement(schedule, wanted, "--placement"); });
}

TEST(Placement, StagesStandWhereItsDefinitionPutsThem) {
  EXPECT_THAT(rank_of_stage(Placement::linear, {.ranks = 3}), ElementsAre(0, 1, 2));
  EXPECT_THAT(rank_of_stage(Placement::loop, {.ranks = 3, .chunks = 2}),
              ElementsAre(0, 1, 2, 0, 1, 2));
  EXPECT_THAT(rank_of_stage(Placement::v, {.ranks = 3, .chunks = 2}),
              ElementsAre(0, 1, 2, 2, 1, 0));
  EXPECT_THAT(rank_of_stage(Placement::v, {.ranks = 2, .chunks = 3}),
              ElementsAre(0, 1, 1, 0, 0, 1));
  EXPECT_THAT(complaint([] { rank_of_stage(Placement::linear, {.ranks = 2, .chunks = 2}); }),
              HasSubstr("linear has one chunk a rank, not 2"));
  EXPECT_THAT(complaint([] { rank_of_stage(Placement::v, {.ranks = 2}); }),
              HasSubstr("v has two or more chunks a rank, not 1"));
}

TEST(Placement, ContradictionsNameWhatTheScheduleHas) {
  EXPECT_EQ(refusal(one_f_one_b(3, 2), Placement::linear), "");
  EXPECT_EQ(refusal(from_text(kV), Placement::v), "");
  EXPECT_EQ(refusal(from_text(kV), Placement::loop),
            "--placement = loop: the schedule puts its stages on ranks 0 1 1 0; valid: v");
  EXPECT_EQ(refusal(one_f_one_b(3, 2), Placement::v),
            "--placement = v: the schedule puts its stages on ranks 0 1 2; valid: linear");
  EXPECT_EQ(refusal(from_text("0F0 0B0 1F0 1B0\n3F0 3B0 2F0 2B0"), Placement::loop),
            "--placement = loop: the schedule puts its stages on ranks 0 0 1 1");
  EXPECT_EQ(refusal(from_text("0F0 1F0 1B0 0B0"), Placement::loop), "");  // one rank: both
}

TEST(Placement, NamesRoundTripAndOthersAreRefused) {
  for (const Placement placement : {Placement::linear, Placement::loop, Placement::v}) {
    EXPECT_EQ(parse_placement("--placement", to_string(placement)), placement);
  }
  EXPECT_THAT(complaint([] { parse_placement("--placement", "lop"); }), HasSubstr("loop"));
}

}  // namespace
}  // namespace spillway::pipeline
