// What holds for every schedule, whatever its size.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "parallel/pipeline/schedules/shorten.hpp"
#include "parallel/pipeline/validate.hpp"
#include "tests/parallel/pipeline/named_schedules.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

std::string describe(const std::string& name, const ScheduleShape& shape) {
  return name + ", " + std::to_string(shape.ranks) + " ranks x " + std::to_string(shape.chunks) +
         ", " + std::to_string(shape.microbatches) + " micro-batches";
}

/// Makes, and so validates, the compute; validates the messages.
void expect_valid(const std::string& name, ScheduleShape shape) {
  const Schedule lowered = lower(make_schedule(name, shape));
  shape.chunks = chunks_of(name, shape.chunks);
  const std::vector<Fault> faults = find_lowered_faults(lowered, shape);
  ASSERT_TRUE(faults.empty()) << describe(name, shape) << ": " << faults.front().reason;
}

TEST(Schedules, AreValidAndFreeOfDeadlockForAnyRanksChunksAndMicrobatches) {
  for (const std::string& name : schedule_names()) {
    const int most_chunks = takes_any_chunks(name) ? 4 : 1;
    for (int ranks = 1; ranks <= 8; ++ranks) {
      for (int microbatches = 1; microbatches <= 20; ++microbatches) {
        for (int chunks = 1; chunks <= most_chunks; ++chunks) {
          make_schedule(name, {.ranks = ranks, .chunks = chunks, .microbatches = microbatches});
        }
      }
    }
  }
}

TEST(Schedules, SendAndReceiveInOrder) {
  for (const std::string& name : schedule_names()) {
    const int chunks = takes_any_chunks(name) ? 3 : 1;
    for (const int ranks : {1, 2, 3, 5, 8, 16, 27}) {
      for (const int microbatches : {1, 4, ranks, ranks + 3, 2 * ranks + 1, 30}) {
        expect_valid(name, {.ranks = ranks, .chunks = chunks, .microbatches = microbatches});
      }
    }
  }
}

TEST(Schedules, StandOnALoopOrOnAV) {
  for (const std::string& name : schedule_names()) {
    const int ranks = 3, asked = takes_any_chunks(name) ? 2 : 1;
    const int stages = ranks * chunks_of(name, asked);
    const auto placement =
        rank_of_stage(make_schedule(name, {.ranks = ranks, .chunks = asked, .microbatches = 4}));
    ASSERT_EQ(static_cast<int>(placement.size()), stages) << name;
    const bool loop = takes_any_chunks(name) || stages == ranks;
    for (int stage = 0; stage < stages; ++stage) {
      const int rank = loop || stage < ranks ? stage % ranks : 2 * ranks - 1 - stage;
      EXPECT_EQ(placement[static_cast<std::size_t>(stage)], rank) << name << ", stage " << stage;
    }
  }
}

TEST(Schedules, EndNoSoonerThanTheirWorkAllows) {
  std::mt19937 random(11);
  std::uniform_int_distribution<int> size(1, 9), microbatches_of(1, 20);
  std::uniform_real_distribution<double> seconds(0.1, 3);
  for (const std::string& name : schedule_names()) {
    for (int trial = 0; trial < 60; ++trial) {
      const ScheduleShape shape{.ranks = size(random),
                                .chunks = takes_any_chunks(name) ? 1 + size(random) % 4 : 1,
                                .microbatches = microbatches_of(random)};
      const RankCosts costs{.f = seconds(random), .i = seconds(random), .w = seconds(random)};
      const Simulation simulation = simulate_named(name, shape, costs);
      const double part = 1.0 / chunks_of(name, shape.chunks);
      // Rank p-1 waits for p-1 forwards; one micro-batch goes down and up all stages.
      const double last_rank =
          (shape.ranks - 1) * costs.f * part + shape.microbatches * costs.sum();
      const double one = shape.ranks * (costs.f + costs.i) + costs.w * part;
      EXPECT_GE(simulation.makespan, std::max(last_rank, one) - 1e-9) << describe(name, shape);
      for (const Usage& usage : simulation.usage) {
        EXPECT_NEAR(usage.busy_seconds, shape.microbatches * costs.sum(), 1e-9);
        EXPECT_NEAR(usage.busy_seconds + usage.idle_seconds, simulation.makespan, 1e-9);
      }
    }
  }
}

TEST(Schedules, ZeroBubbleNeverLosesToOneForwardOneBackwardAtItsMemory) {
  std::mt19937 random(12);
  std::uniform_int_distribution<int> ranks_of(1, 9), microbatches_of(1, 20);
  std::uniform_real_distribution<double> seconds(0.1, 3);
  for (int trial = 0; trial < 400; ++trial) {
    const ScheduleShape shape{.ranks = ranks_of(random), .microbatches = microbatches_of(random)};
    const RankCosts costs{.f = seconds(random), .i = seconds(random), .w = seconds(random)};
    const Simulation whole = simulate_named("1f1b", shape, costs);
    const Simulation split = simulate_named("zb-h1", shape, costs);
    EXPECT_LE(split.makespan, whole.makespan + 1e-9) << describe("zb-h1", shape);
    EXPECT_LE(std::ranges::max(split.peak_activations), whole.peak_activations.front());
  }
}

TEST(Schedules, HoldNoMoreActivationsThanTheyPromise) {
  for (const int p : {1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 21}) {
    for (const int m : {1, 2, p, 2 * p - 1, 2 * p, 29}) {
      const ScheduleShape shape{.ranks = p, .microbatches = m};
      const auto expect_most = [&](const std::string& name, double most) {
        const auto peaks = simulate_named(name, shape, {}).peak_activations;
        EXPECT_LE(std::ranges::max(peaks), std::min<double>(m, most)) << describe(name, shape);
      };
      expect_most("gpipe", m);
      expect_most("1f1b", p);
      expect_most("zb-h1", p);
      expect_most("zb-h2", 2 * p - 1);
      expect_most("zbv", p);
      expect_most("v-half", (p + 2) / 2);
      expect_most("v-min", (p + 4) / 3);
      expect_most("dualpipev", p + 0.5);
    }
  }
}

TEST(Schedules, OneChunkOnALoopIsTheScheduleWithoutChunks) {
  for (int ranks = 1; ranks <= 6; ++ranks) {
    for (int microbatches = 1; microbatches <= 13; ++microbatches) {
      const ScheduleShape shape{.ranks = ranks, .microbatches = microbatches};
      EXPECT_EQ(make_schedule("interleaved-1f1b", shape), make_schedule("1f1b", shape));
      EXPECT_EQ(make_schedule("looped-bfs", shape), make_schedule("gpipe", shape));
      EXPECT_EQ(make_schedule("interleaved-zb", shape), make_schedule("zb-h1", shape));
    }
  }
}

TEST(Schedules, StandAsInThePapers) {
  const auto text = [](const std::string& name, const ScheduleShape& shape) {
    return to_text(make_schedule(name, shape));
  };
  EXPECT_EQ(text("zb-h1", {.ranks = 2, .microbatches = 3}),
            "0F0 0F1 0I0 0W0 0F2 0I1 0W1 0I2 0W2\n"
            "1F0 1I0 1F1 1I1 1W0 1F2 1I2 1W1 1W2\n");
  EXPECT_EQ(text("zb-h2", {.ranks = 2, .microbatches = 4}),
            "0F0 0F1 0F2 0I0 0W0 0F3 0I1 0W1 0I2 0W2 0I3 0W3\n"
            "1F0 1I0 1F1 1I1 1F2 1I2 1W0 1F3 1I3 1W1 1W2 1W3\n");
  EXPECT_EQ(text("interleaved-1f1b", {.ranks = 2, .chunks = 2, .microbatches = 2}),
            "0F0 0F1 2F0 2F1 2B0 2B1 0B0 0B1\n"
            "1F0 1F1 3F0 3B0 3F1 3B1 1B0 1B1\n");
  EXPECT_EQ(text("zbv", {.ranks = 2, .microbatches = 3}),
            "0F0 0F1 0F2 3F0 3I0 3W0 3F1 3I1 3W1 0I0 0W0 3F2 3I2 3W2 0I1 0W1 0I2 0W2\n"
            "1F0 2F0 1F1 2F1 2I0 2W0 1F2 1I0 1W0 2F2 2I1 2W1 1I1 2I2 1I2 1W1 2W2 1W2\n");
}

TEST(Schedules, ARemainderIsSpreadOverTheRounds) {
  // 7 micro-batches on 3 ranks: two rounds, of 4 and 3.
  const Schedule schedule =
      make_schedule("interleaved-1f1b", {.ranks = 3, .chunks = 2, .microbatches = 7});
  EXPECT_THAT(to_text(schedule), testing::HasSubstr("\n2F0 2F1 2F2 2F3 5F0 5B0 5F1 5B1 5F2 5B2 5F3 "
                                                    "5B3 2F4 2B0 2F5 2B1 2F6 2B2 5F4 2B3 5F5 5B4"));
}

TEST(Schedules, OverlappedPairsAreMarkedAndSendWhenBothAreDone) {
  const Schedule schedule = make_schedule("dualpipev", {.ranks = 2, .microbatches = 5});
  EXPECT_EQ(to_text(schedule),
            "0F0 0F1 0F2 3F0 3I0 3W0 3F1 0F3 3B1 3F2 0B0 0F4 3B2 3F3 0B1 3B3 3F4 0B2 3B4 0I3 0W3 "
            "0I4 0W4\n"
            "1F0 2F0 1F1 2F1 1F2 2B0 2F2 1B0 1F3 2B1 2F3 1B1 1F4 2B2 2F4 1B2 2B3 1B3 2I4 1I4 2W4 "
            "1W4\n");
  EXPECT_EQ(schedule.overlapped.size(), 5U + 5U);
  EXPECT_FALSE(schedule.overlapped.contains({1, Op::forward, 2}));  // the last rank's first pair
  const std::string lowered = to_text(lower(schedule));
  EXPECT_THAT(lowered, testing::HasSubstr("2F2 2RECV_B1 1B0 2SEND_F2 1SEND_B0"));
  EXPECT_THAT(lowered, testing::Not(testing::HasSubstr("2F2 2SEND_F2")));
  // A pair cut apart by a missing micro-batch is none.
  EXPECT_TRUE(make_schedule("dualpipev", {.ranks = 2, .microbatches = 1}).overlapped.empty());
}

TEST(Schedules, TheHeadOfAScheduleKeepsOnlyWholePairs) {
  Schedule schedule = from_text("0F0 0F1 0B1 0F2 0B0 0B2");
  schedule.overlapped = {{0, Op::forward, 2}};
  EXPECT_EQ(first_microbatches(schedule, 3), schedule);
  const Schedule two = first_microbatches(schedule, 2);
  EXPECT_EQ(to_text(two), "0F0 0F1 0B1 0B0\n");
  EXPECT_TRUE(two.overlapped.empty());
  schedule = from_text("0F0 0B2 0F1 0B1 0B0 0F2");
  schedule.overlapped = {{0, Op::forward, 0}, {0, Op::forward, 1}};
  EXPECT_EQ(first_microbatches(schedule, 2).overlapped, std::set<Action>({{0, Op::forward, 1}}));
}

}  // namespace
}  // namespace spillway::pipeline
