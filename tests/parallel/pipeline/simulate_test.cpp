#include "parallel/pipeline/simulate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>

#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/schedules/gpipe.hpp"
#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Simulation run(const Schedule& compute, const Costs& costs) {
  return simulate(lower(compute), costs);
}

/// 1F1B with its backward split and the weight half delayed by the rank (ZB-H1, Qi et al. 2024,
/// arXiv:2401.10241).
Schedule delayed_weights(int ranks, int microbatches) {
  Schedule schedule = one_f_one_b(ranks, microbatches);
  for (int rank = 0; rank < ranks; ++rank) {
    std::vector<Action> actions;
    int done = 0;
    for (const Action& action : schedule.ranks[static_cast<std::size_t>(rank)]) {
      if (action.op != Op::backward) {
        actions.push_back(action);
        continue;
      }
      actions.push_back({rank, Op::backward_input, action.microbatch});
      if (action.microbatch >= rank) actions.push_back({rank, Op::backward_weight, done++});
    }
    while (done < microbatches) actions.push_back({rank, Op::backward_weight, done++});
    schedule.ranks[static_cast<std::size_t>(rank)] = actions;
  }
  return schedule;
}

/// All micro-batches through each chunk in turn; stage c p + r on rank r (Lamy-Poirier 2022,
/// arXiv:2211.05953).
Schedule breadth_first(int ranks, int chunks, int microbatches) {
  Schedule schedule;
  for (int rank = 0; rank < ranks; ++rank) {
    auto& actions = schedule.ranks.emplace_back();
    for (int c = 0; c < chunks; ++c) {
      for (int m = 0; m < microbatches; ++m) actions.push_back({c * ranks + rank, Op::forward, m});
    }
    for (int c = chunks - 1; c >= 0; --c) {
      for (int m = 0; m < microbatches; ++m) actions.push_back({c * ranks + rank, Op::backward, m});
    }
  }
  return schedule;
}

TEST(Simulate, GpipeAndOneForwardOneBackwardMatchTheirClosedForms) {
  std::mt19937 random(7);
  std::uniform_int_distribution<int> ranks_of(1, 12), microbatches_of(1, 40);
  std::uniform_real_distribution<double> seconds_of(0.01, 3);
  for (int trial = 0; trial < 300; ++trial) {
    const int p = ranks_of(random), m = microbatches_of(random);
    const double f = seconds_of(random), b = seconds_of(random);
    const Costs costs = uniform_costs(p, f, b / 3, b * 2 / 3);
    const Simulation all_first = run(gpipe(p, m), costs), in_turn = run(one_f_one_b(p, m), costs);
    for (const Simulation& simulation : {all_first, in_turn}) {
      EXPECT_NEAR(simulation.makespan, (m + p - 1) * (f + b), 1e-9) << p << " ranks, " << m;
      for (const Usage& usage : simulation.usage) {
        EXPECT_NEAR(usage.busy_seconds, m * (f + b), 1e-9);
        EXPECT_NEAR(usage.idle_seconds, (p - 1) * (f + b), 1e-9);
      }
    }
    for (int r = 0; r < p; ++r) {
      EXPECT_EQ(all_first.peak_activations[static_cast<std::size_t>(r)], m);
      EXPECT_EQ(in_turn.peak_activations[static_cast<std::size_t>(r)], std::min(m, p - r));
    }
  }
}

TEST(Simulate, UnitCostsGiveThePublishedSpansAndPeaks) {
  const Costs unit = uniform_costs(4, 1, 1, 1);
  EXPECT_EQ(run(gpipe(4, 8), unit).makespan, 33);
  EXPECT_EQ(run(gpipe(4, 16), unit).makespan, 57);
  EXPECT_EQ(run(one_f_one_b(4, 8), unit).makespan, 33);
  EXPECT_EQ(run(one_f_one_b(4, 16), unit).makespan, 57);
  EXPECT_THAT(run(one_f_one_b(4, 8), unit).peak_activations, ElementsAre(4, 3, 2, 1));
}

TEST(Simulate, SplitBackwardFillsTheBubbleAndHoldsActivationsToTheWeightHalf) {
  const Costs unit = uniform_costs(4, 1, 1, 1);
  const Simulation simulation = run(delayed_weights(4, 8), unit);
  EXPECT_EQ(simulation.makespan, 27);
  EXPECT_THAT(simulation.peak_activations, ElementsAre(4, 4, 4, 4));
  EXPECT_EQ(run(delayed_weights(4, 16), unit).makespan, 51);
}

TEST(Simulate, ChunksOnALoopCutTheBubbleAndCountAsTheirShareOfTheRank) {
  const Costs half = uniform_costs(8, 0.5, 0.5, 0.5);
  const Simulation simulation = run(breadth_first(4, 2, 8), half);
  EXPECT_EQ(simulation.makespan, 28.5);
  EXPECT_THAT(simulation.peak_activations, ElementsAre(8, 8, 8, 8));
  EXPECT_EQ(run(breadth_first(4, 2, 16), half).makespan, 52.5);
}

TEST(Simulate, ChunksOnAVHandOverOnTheirRank) {
  // One micro-batch down and up the V and back: 4 forwards and 4 backwards in a chain, two ranks.
  Costs costs = uniform_costs(4, 1, 1, 1);
  costs.hop_seconds = 10;
  const Simulation simulation = run(from_text("0F0 3F0 3B0 0B0\n1F0 2F0 2B0 1B0"), costs);
  EXPECT_EQ(simulation.makespan,
            4 + 8 + 4 * 10);  // hops 0->1, 2->3, 3->2, 1->0; none between 1 and 2
}

TEST(Simulate, MessagesCostTheirHopAndTheirBytes) {
  Costs costs = uniform_costs(2, 1, 1, 1);
  costs.hop_seconds = 0.25;
  costs.edge_bytes = 3;
  costs.bytes_per_second = 4;
  EXPECT_EQ(run(gpipe(2, 1), costs).makespan, 1 + 1 + 1 + 2 + 1 + 2);
}

TEST(Simulate, MessagesOfOneRouteQueueForItsBandwidth) {
  Costs costs = uniform_costs(2, 1, 0, 0);
  costs.edge_bytes = 5;
  costs.bytes_per_second = 1;
  // Sent at 1, 2 and 3, carried from 1, 6 and 11: the last forward runs from 16 to 17. Then three
  // gradients of 5 s, one by one.
  EXPECT_EQ(run(gpipe(2, 3), costs).makespan, 17 + 3 * 5);
}

TEST(Simulate, EagerMessagesLeaveBeforeTheirReceiveIsPosted) {
  // Rank 1 posts its second receive only behind its first, long forward.
  const Schedule schedule = from_text(
      "0F0 0SEND_F0 0F1 0SEND_F1\n"
      "1RECV_F0 1F0 1RECV_F1 1F1");
  Costs costs = uniform_costs(2, 1, 0, 0);
  costs.stages[1].forward = 5;
  costs.hop_seconds = 2;
  EXPECT_EQ(simulate(schedule, costs).makespan, 3 + 5 + 2 + 5);  // 0F1 is received from 8 on
  costs.sends = Sends::eager;
  EXPECT_EQ(simulate(schedule, costs).makespan, 3 + 5 + 5);
  costs.edge_bytes = 3;
  costs.bytes_per_second = 1;  // messages leave at 1 and 4, are there at 6 and 9
  EXPECT_EQ(simulate(schedule, costs).makespan, 6 + 5 + 5);
}

TEST(Simulate, TransfersRunBesideTheCompute) {
  // Hops as long as a forward are hidden but for the fill and drain of the pipeline once enough
  // micro-batches are in flight.
  Costs costs = uniform_costs(2, 1, 1, 1);
  costs.hop_seconds = 0.5;
  const Simulation simulation = run(gpipe(2, 8), costs);
  EXPECT_EQ(simulation.makespan, 9 * 3 + 2 * 0.5);
}

TEST(Simulate, TimelineSaysWhenEachActionStartsAndHowLongItWaited) {
  const Simulation simulation = run(gpipe(2, 1), uniform_costs(2, 1, 1, 1));
  const TimedAction forward = simulation.ranks[1][1];
  EXPECT_EQ(to_string(forward.action), "1F0");
  EXPECT_EQ(forward.start, 1);
  EXPECT_EQ(forward.end, 2);
  EXPECT_EQ(forward.waited, 1);
}

TEST(Simulate, DeadlockNamesEachBlockedAction) {
  // Rank 0 wants the gradient of micro-batch 0 before it lets micro-batch 1 go; rank 1 wants both
  // forwards first.
  const std::string message = complaint(
      [] { run(from_text("0F0 0B0 0F1 0B1\n1F0 1F1 1B0 1B1"), uniform_costs(2, 1, 1, 1)); });
  EXPECT_THAT(message,
              HasSubstr("rank 0 stands at 0B0 (action 4), waits for 0RECV_B0 from rank 1"));
  EXPECT_THAT(message,
              HasSubstr("rank 1 stands at 1F1 (action 4), waits for 1RECV_F1 from rank 0"));
  EXPECT_THROW(run(from_text("0B0 0F0"), uniform_costs(1, 1, 1, 1)), Deadlock);
}

TEST(Simulate, CrossingMessagesAndWrongCostsAreRefused) {
  const Schedule crossing = from_text(
      "0F0 0SEND_F0 0F1 0SEND_F1\n"
      "1RECV_F1 1RECV_F0 1F0 1F1");
  EXPECT_THAT(
      complaint([&] { simulate(crossing, uniform_costs(2, 1, 1, 1)); }),
      HasSubstr("rank 0 -> rank 1: message 1 is sent as 0SEND_F0 but received as 1RECV_F1"));
  EXPECT_THAT(complaint([] { run(gpipe(2, 1), uniform_costs(3, 1, 1, 1)); }),
              HasSubstr("costs of 3 stages given for 2 stages"));
}

TEST(Simulate, SixtyFourStagesOf512MicrobatchesTakeLessThanASecond) {
  const auto start = std::chrono::steady_clock::now();
  const Simulation simulation = run(one_f_one_b(64, 512), uniform_costs(64, 1, 1, 1));
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
  EXPECT_EQ(simulation.makespan, (512 + 63) * 3);
  EXPECT_LT(seconds.count(), 1);
  RecordProperty("milliseconds", static_cast<int>(seconds.count() * 1000));
}

}  // namespace
}  // namespace spillway::pipeline
