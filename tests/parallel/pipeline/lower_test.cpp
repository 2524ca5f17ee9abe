#include "parallel/pipeline/lower.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "parallel/pipeline/schedules/forward_only.hpp"
#include "parallel/pipeline/schedules/gpipe.hpp"
#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "parallel/pipeline/schedules/registry.hpp"
#include "parallel/pipeline/simulate.hpp"
#include "parallel/pipeline/validate.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

TEST(Lower, OneStageHasNoMessages) {
  EXPECT_EQ(to_text(lower(gpipe(1, 2))), "0F0 0F1 0B0 0B1 0REDUCE_GRAD\n");
}

TEST(Lower, SendsFollowTheirMakerAndReceivesStandAhead) {
  EXPECT_EQ(
      to_text(lower(one_f_one_b(2, 3))),
      "0F0 0SEND_F0 0RECV_B0 0F1 0SEND_F1 0RECV_B1 0B0 0F2 0SEND_F2 0RECV_B2 0B1 0B2 0REDUCE_GRAD\n"
      "1RECV_F0 1RECV_F1 1F0 1B0 1SEND_B0 1RECV_F2 1F1 1B1 1SEND_B1 1F2 1B2 1SEND_B2 "
      "1REDUCE_GRAD\n");
}

TEST(Lower, SplitBackwardSendsAfterItsInputHalfAndReducesAfterItsWeightHalf) {
  EXPECT_EQ(to_text(lower(from_text("0F0 0I0 0W0\n1F0 1I0 1W0"))),
            "0F0 0SEND_F0 0RECV_B0 0I0 0W0 0REDUCE_GRAD\n"
            "1RECV_F0 1F0 1I0 1SEND_B0 1W0 1REDUCE_GRAD\n");
}

TEST(Lower, NeighbouringStagesOnOneRankNeedNoMessage) {
  EXPECT_EQ(to_text(lower(from_text("0F0 3F0 3B0 0B0\n1F0 2F0 2B0 1B0"))),
            "3RECV_F0 0F0 0SEND_F0 0RECV_B0 3F0 3B0 3SEND_B0 3REDUCE_GRAD 0B0 0REDUCE_GRAD\n"
            "1RECV_F0 1F0 2F0 2SEND_F0 2RECV_B0 2B0 2REDUCE_GRAD 1B0 1SEND_B0 1REDUCE_GRAD\n");
}

TEST(Lower, ReceivesStandInTheOrderOfTheSendsWhereConsumersCross) {
  // A V of six stages: 0SEND_F1 leaves rank 0 before 5SEND_B0 on the same route, but rank 1 needs
  // the gradient long before that activation.
  const Schedule schedule = from_text(
      "0F0 0F1 5F0 5B0 0B0 5F1 5B1 0B1\n"
      "1F0 4F0 4I0 4W0 1I0 1W0 1F1 4F1 4B1 1B1\n"
      "2F0 3F0 3B0 2B0 2F1 3F1 3B1 2B1");
  const ScheduleShape shape{.ranks = 3, .chunks = 2, .microbatches = 2};
  EXPECT_NO_THROW(validate(schedule, shape));
  const Schedule lowered = lower(schedule);
  EXPECT_NO_THROW(validate_lowered(lowered, shape));
  const Places places(lowered);
  const auto position = [&](const char* text) { return places.find(parse_action(text))->position; };
  EXPECT_LT(position("1RECV_F1"), position("4RECV_B0"));
  EXPECT_GT(position("1F1"), position("4I0"));
}

TEST(Lower, ReceivesStandATransferAheadOfTheirConsumer) {
  // Rank 1 does four short weight gradients before 1F4, which is sent when the first of them
  // starts.
  const Schedule schedule = from_text(
      "0F0 0F1 0F2 0F3 0F4 0I0 0I1 0I2 0I3 0I4 0W0 0W1 0W2 0W3 0W4\n"
      "1F0 1F1 1F2 1F3 1I0 1I1 1I2 1I3 1W0 1W1 1W2 1W3 1F4 1I4 1W4");
  Costs costs = uniform_costs(2, 1, 0.25, 0.25);
  costs.hop_seconds = 0.75;
  const auto actions_between = [&](const Schedule& lowered) {
    const Places places(lowered);
    const auto position = [&](Op op) { return places.find({1, op, 4})->position; };
    const auto& actions = lowered.ranks[1];
    return std::count_if(actions.begin() + position(Op::recv_forward),
                         actions.begin() + position(Op::forward),
                         [](const Action& action) { return is_compute(action.op); });
  };
  EXPECT_EQ(actions_between(lower(schedule)), 2);
  EXPECT_EQ(actions_between(lower(schedule, costs)), 3);
}

TEST(Lower, NoRendezvousWaitsForAReceiveWhoseCostsAreKnown) {
  for (int ranks = 2; ranks <= 5; ++ranks) {
    const Schedule schedule = make_schedule("zb-h2", {.ranks = ranks, .microbatches = 9});
    Costs costs = uniform_costs(ranks, 1, 0.3, 0.1);
    costs.hop_seconds = 2.5;
    const auto makespan = [&](Sends sends) {
      costs.sends = sends;
      return simulate(lower(schedule, costs), costs).makespan;
    };
    const double eager = makespan(Sends::eager);
    EXPECT_EQ(makespan(Sends::rendezvous), eager) << ranks << " ranks";
    EXPECT_GT(simulate(lower(schedule), costs).makespan, eager) << ranks << " ranks";
  }
}

TEST(Lower, ComputeActionsAreUntouched) {
  for (int ranks = 1; ranks <= 6; ++ranks) {
    for (int microbatches = 1; microbatches <= 11; ++microbatches) {
      for (const Schedule& compute :
           {gpipe(ranks, microbatches), one_f_one_b(ranks, microbatches)}) {
        Schedule lowered = lower(compute);
        const ScheduleShape shape{.ranks = ranks, .microbatches = microbatches};
        EXPECT_NO_THROW(validate_lowered(lowered, shape));
        for (auto& actions : lowered.ranks) {
          std::erase_if(actions, [](Action action) { return !is_compute(action.op); });
        }
        EXPECT_EQ(lowered, compute);
      }
    }
  }
}

TEST(Lower, EvaluationHasNeitherGradientsNorReductions) {
  EXPECT_EQ(to_text(lower(forward_only({0, 1}, 2, 2))),
            "0F0 0SEND_F0 0F1 0SEND_F1\n1RECV_F0 1RECV_F1 1F0 1F1\n");
}

TEST(ForwardOnly, VisitsEveryStageAndMicrobatchOnceForAnyPlacement) {
  for (const std::vector<int>& placement :
       {std::vector{0}, {0, 1, 2}, {0, 1, 2, 0, 1, 2}, {0, 1, 1, 0}, {0, 0, 1, 1}}) {
    const int ranks = 1 + *std::ranges::max_element(placement);
    const int stages = static_cast<int>(placement.size());
    const Schedule schedule = forward_only(placement, ranks, 5);
    EXPECT_EQ(rank_of_stage(schedule), placement);
    const Simulation simulation = simulate(lower(schedule), uniform_costs(stages, 1, 0, 0));
    std::size_t actions = 0;
    for (const auto& list : schedule.ranks) actions += list.size();
    EXPECT_EQ(actions, placement.size() * 5);
    EXPECT_GE(simulation.makespan, stages + 5.0 - 1);
  }
}

}  // namespace
}  // namespace spillway::pipeline
