#include "parallel/pipeline/validate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr ScheduleShape kTwo{.ranks = 2, .microbatches = 2};

/// The fault found first, as "rank position reason".
std::string first(const std::vector<Fault>& faults) {
  if (faults.empty()) return "";
  const Place place = faults.front().place;
  return std::to_string(place.rank) + " " + std::to_string(place.position) + " " +
         faults.front().reason;
}
std::string compute_fault(const std::string& text, const ScheduleShape& shape = kTwo) {
  return first(find_faults(from_text(text), shape));
}
std::string lowered_fault(const std::string& text, const ScheduleShape& shape = {.ranks = 2}) {
  return first(find_lowered_faults(from_text(text), shape));
}

TEST(Validate, SoundSchedulesPass) {
  EXPECT_EQ(compute_fault("0F0 0F1 0B0 0B1\n1F0 1B0 1F1 1B1"), "");
  EXPECT_EQ(compute_fault("0F0 0F1 0I0 0W0 0B1\n1F0 1I0 1F1 1I1 1W0 1W1"), "");
  EXPECT_EQ(compute_fault("0F0 3F0 3B0 0B0\n1F0 2F0 2B0 1B0", {.ranks = 2, .chunks = 2}), "");
  EXPECT_EQ(lowered_fault("0F0 0SEND_F0 0RECV_B0 0B0 0REDUCE_GRAD\n"
                          "1RECV_F0 1F0 1B0 1SEND_B0 1REDUCE_GRAD"),
            "");
}

TEST(Validate, MissingAndDoubleActionsAreNamed) {
  EXPECT_EQ(compute_fault("0F0 0F1 0B0\n1F0 1B0 1F1 1B1"), "0 -1 0B1 is missing");
  EXPECT_EQ(compute_fault("0F0 0F1 0B0 0B1\n1F0 1B0 1B1"), "1 -1 1F1 is missing");
  EXPECT_EQ(compute_fault("0F0 0F1 0I0 0B1\n1F0 1B0 1F1 1B1"), "0 -1 0W0 is missing");
  EXPECT_EQ(compute_fault("0F0 0F1 0W0 0B1\n1F0 1B0 1F1 1B1"), "0 -1 0I0 is missing");
  EXPECT_EQ(compute_fault("0F0 0F1 0B0 0B1\n1F0 1B0 1F1 1B1 1B0"),
            "1 4 1B0 is there twice, first as action 2");
  EXPECT_EQ(compute_fault("0F0 0F1 0B0 0W0 0B1\n1F0 1B0 1F1 1B1"),
            "0 3 0W0 repeats a part of 0B0 (rank 0, action 3)");
}

TEST(Validate, WrongOrderWithinARankIsNamed) {
  EXPECT_EQ(compute_fault("0F0 0B1 0F1 0B0\n1F0 1B0 1F1 1B1"),
            "0 1 0B1 comes before 0F1, which is action 3");
  EXPECT_EQ(compute_fault("0F0 0F1 0W0 0I0 0B1\n1F0 1B0 1F1 1B1"),
            "0 2 0W0 comes before 0I0, which is action 4");
}

TEST(Validate, WrongSizeAndPlacementAreNamed) {
  EXPECT_EQ(compute_fault("0F0 0F1 0B0 0B1"), "-1 -1 the schedule has 1 ranks, the pipeline has 2");
  EXPECT_EQ(compute_fault("0F0 0F1 0B0 0B1\n"
                          "2F0 2B0 2F1 2B1"),
            "1 0 2F0 names stage 2 of 2 stages (0..1)");
  EXPECT_EQ(compute_fault("0F0 0F2 0B0 0B2\n1F0 1B0 1F1 1B1"),
            "0 1 0F2 names micro-batch 2 of 2 micro-batches (0..1)");
  EXPECT_EQ(compute_fault("0F0 0F1 0B0 0B1\n1F0 1B0 1F1 0B1 1B1"),
            "1 3 0B1 puts stage 0 on rank 1, but it stands on rank 0");
  EXPECT_EQ(compute_fault("0F0 0B0\n\n1F0 1B0 2F0 2B0", {.ranks = 3}),
            "1 -1 the rank has no actions");
  EXPECT_EQ(compute_fault("0F0 0B0\n3F0 3B0\n1F0 1B0\n2F0 2B0", {.ranks = 4}),
            "0 -1 stages 0 and 1 stand on ranks 0 and 2, which are not neighbours");
  EXPECT_EQ(compute_fault("0F0 0SEND_F0 0F1 0B0 0B1\n1F0 1B0 1F1 1B1"),
            "0 1 0SEND_F0 is derived; only F, R, I, W and B are written");
}

TEST(Validate, DeadlockIsNamedOnEveryBlockedRank) {
  const auto faults = find_faults(from_text("0F0 0B0 0F1 0B1\n1F0 1F1 1B0 1B1"), kTwo);
  ASSERT_EQ(faults.size(), 2U);
  EXPECT_EQ(first(faults), "0 1 deadlock: 0B0 waits for 0RECV_B0 from rank 1");
  EXPECT_EQ(faults[1].place, (Place{1, 1}));
  EXPECT_EQ(faults[1].reason, "deadlock: 1F1 waits for 1RECV_F1 from rank 0");
}

TEST(Validate, MessagesWithoutOtherEndAreNamed) {
  EXPECT_EQ(lowered_fault("0F0 0SEND_F0 0RECV_B0 0B0 0REDUCE_GRAD\n1F0 1B0 1SEND_B0 1REDUCE_GRAD"),
            "0 1 0SEND_F0 has no 1RECV_F0 at the other end");
  EXPECT_EQ(lowered_fault("0F0 0RECV_B0 0B0 0REDUCE_GRAD\n1RECV_F0 1F0 1B0 1SEND_B0 1REDUCE_GRAD"),
            "0 -1 0SEND_F0 is missing; 0F0 (rank 0, action 1) makes its tensor");
  EXPECT_EQ(lowered_fault("0F0 0SEND_F0 0RECV_B0 0B0 0SEND_B0 0REDUCE_GRAD\n"
                          "1RECV_F0 1F0 1B0 1SEND_B0 1REDUCE_GRAD"),
            "0 4 0SEND_B0 has no stage on another rank to talk to");
  EXPECT_EQ(lowered_fault("0F0 0SEND_F0 0SEND_F0 0RECV_B0 0B0 0REDUCE_GRAD\n"
                          "1RECV_F0 1F0 1B0 1SEND_B0 1REDUCE_GRAD"),
            "0 2 0SEND_F0 is there twice, first as action 2");
}

TEST(Validate, MessagesAndReductionsOutOfOrderAreNamed) {
  EXPECT_EQ(lowered_fault("0SEND_F0 0F0 0RECV_B0 0B0 0REDUCE_GRAD\n"
                          "1RECV_F0 1F0 1B0 1SEND_B0 1REDUCE_GRAD"),
            "0 0 0SEND_F0 comes before 0F0 (rank 0, action 2)");
  EXPECT_EQ(lowered_fault("0F0 0SEND_F0 0B0 0RECV_B0 0REDUCE_GRAD\n"
                          "1RECV_F0 1F0 1B0 1SEND_B0 1REDUCE_GRAD"),
            "0 3 0RECV_B0 comes behind 0B0 (rank 0, action 3)");
  EXPECT_EQ(lowered_fault("0RECV_B0 0F0 0SEND_F0 0B0 0REDUCE_GRAD\n"
                          "1RECV_F0 1F0 1B0 1SEND_B0 1REDUCE_GRAD"),
            "0 0 0RECV_B0 comes before 0F0 (rank 0, action 2), whose output has its shape");
  EXPECT_EQ(lowered_fault("0F0 0SEND_F0 0RECV_B0 0REDUCE_GRAD 0B0\n"
                          "1RECV_F0 1F0 1B0 1SEND_B0 1REDUCE_GRAD"),
            "0 3 0REDUCE_GRAD comes before 0B0 (rank 0, action 5)");
  EXPECT_EQ(lowered_fault("0F0 0SEND_F0 0RECV_B0 0B0\n1RECV_F0 1F0 1B0 1SEND_B0 1REDUCE_GRAD"),
            "0 -1 0REDUCE_GRAD is missing");
}

TEST(Validate, CrossingOrderOnOneRouteIsNamed) {
  EXPECT_EQ(lowered_fault("0F0 0SEND_F0 0F1 0SEND_F1 0RECV_B0 0B0 0RECV_B1 0B1 0REDUCE_GRAD\n"
                          "1RECV_F1 1RECV_F0 1F0 1F1 1B0 1SEND_B0 1B1 1SEND_B1 1REDUCE_GRAD",
                          kTwo),
            "1 0 1RECV_F1 crosses on the route rank 0 -> rank 1: its message 1 is 0SEND_F0 (rank "
            "0, action 2)");
}

TEST(Validate, MessageListsTheFaultsAndMarksTheSpotInTheGrid) {
  const std::string message =
      complaint([] { validate(from_text("0F0 0B1 0F1 0B0\n1F0 1B0 1F1 1B1"), kTwo); });
  EXPECT_THAT(message,
              HasSubstr("the schedule has 1 fault: rank 0, action 2: 0B1 comes before 0F1"));
  EXPECT_THAT(message, HasSubstr("> rank 0   0F0  >0B1<"));
  EXPECT_THAT(message, HasSubstr("  rank 1   1F0   1B0"));
}

TEST(Validate, EveryActionLeftOutOrMovedIsNoticed) {
  const ScheduleShape shape{.ranks = 3, .microbatches = 4};
  const Schedule sound = lower(one_f_one_b(3, 4));
  ASSERT_THAT(find_lowered_faults(sound, shape), IsEmpty());
  for (std::size_t rank = 0; rank < 3; ++rank) {
    for (std::size_t i = 0; i < sound.ranks[rank].size(); ++i) {
      Schedule without = sound, twice = sound;
      without.ranks[rank].erase(without.ranks[rank].begin() + static_cast<long>(i));
      twice.ranks[rank].insert(twice.ranks[rank].begin() + static_cast<long>(i),
                               sound.ranks[rank][i]);
      EXPECT_FALSE(find_lowered_faults(without, shape).empty()) << to_string(sound.ranks[rank][i]);
      EXPECT_FALSE(find_lowered_faults(twice, shape).empty()) << to_string(sound.ranks[rank][i]);
    }
  }
}

}  // namespace
}  // namespace spillway::pipeline
