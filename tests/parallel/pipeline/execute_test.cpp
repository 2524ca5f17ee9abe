#include "parallel/pipeline/execute.hpp"

#include <ATen/ATen.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <random>
#include <set>
#include <thread>

#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "parallel/pipeline/schedules/registry.hpp"
#include "parallel/pipeline/simulate.hpp"
#include "parallel/pipeline/step_report.hpp"
#include "parallel/pipeline/validate.hpp"
#include "tests/parallel/comm/conformance.hpp"
#include "tests/parallel/pipeline/edge_sizes_check.hpp"
#include "tests/parallel/pipeline/execute_check.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

using testing::HasSubstr;

TEST(Execute, ThreeThreadedRanksGiveTheBitsOfOneProcess) {
  for (const char* name : {"gpipe", "1f1b"}) {
    for (const int microbatches : {1, 2, 3, 5, 8}) {
      comm::on_threads(3, [&](comm::Communicator& world) {
        expect_same_bits(world, make_schedule(name, {.ranks = 3, .microbatches = microbatches}));
      });
    }
  }
}

TEST(Execute, TwoReplicasOfTwoChunkedRanksGiveTheBitsOfOneProcess) {
  comm::on_threads(4, [](comm::Communicator& world) {
    expect_same_bits(world, loop_of_chunks(2, 3));
    expect_same_bits(world, v_of_chunks(2));
    expect_evaluation_leaves_no_trace(world, loop_of_chunks(2, 3));
  });
}

TEST(Execute, ThreeThreadedRanksGiveTheSameBitsWithSplitBackwards) {
  for (const std::size_t delay : {0U, 1U, 3U}) {
    for (const bool newest_first : {false, true}) {
      comm::on_threads(3, [&](comm::Communicator& world) {
        const Schedule whole = make_schedule("1f1b", {.ranks = 3, .microbatches = 5});
        expect_same_bits(world, split_backward(whole, delay, newest_first));
      });
    }
  }
}

TEST(Execute, ZeroBubbleByHandGivesTheBitsOfOneProcess) {
  comm::on_threads(4, [](comm::Communicator& world) {
    expect_same_bits(world, zero_bubble_by_hand());
    expect_evaluation_leaves_no_trace(world, zero_bubble_by_hand());
  });
}

TEST(Execute, HalvesOnAVWithNeighboursOnOneRankGiveTheBitsOfOneProcess) {
  comm::on_threads(2, [](comm::Communicator& world) {
    expect_same_bits(world, split_v_by_hand());
    expect_same_bits(world, split_backward(v_of_chunks(3), 2, true));
    expect_same_bits(world, split_backward(loop_of_chunks(2, 3), 4));
  });
}

/// A schedule whose ranks order their actions by chance, but each forward before its backward,
/// whole or in halves; may deadlock.
Schedule by_chance(const std::vector<int>& placement, int ranks, int microbatches,
                   std::mt19937& random) {
  Schedule schedule;
  schedule.ranks.resize(static_cast<std::size_t>(ranks));
  for (std::size_t rank = 0; rank < schedule.ranks.size(); ++rank) {
    std::vector<Action> ready;
    for (std::size_t stage = 0; stage < placement.size(); ++stage) {
      if (placement[stage] != static_cast<int>(rank)) continue;
      for (int m = 0; m < microbatches; ++m)
        ready.push_back({static_cast<int>(stage), Op::forward, m});
    }
    while (!ready.empty()) {
      const auto chosen =
          ready.begin() + std::uniform_int_distribution<long>(0, std::ssize(ready) - 1)(random);
      const Action action = *chosen;
      ready.erase(chosen);
      schedule.ranks[rank].push_back(action);
      if (action.op == Op::forward) {
        const Op op = random() % 2 == 0 ? Op::backward : Op::backward_input;
        ready.push_back({action.stage, op, action.microbatch});
      } else if (action.op == Op::backward_input) {
        ready.push_back({action.stage, Op::backward_weight, action.microbatch});
      }
    }
  }
  return schedule;
}

TEST(Execute, EveryScheduleThatTheValidatorPassesRuns) {
  std::mt19937 random(11);
  int passed = 0, refused = 0;
  for (const auto& placement : {std::vector{0, 1, 2}, {0, 1, 1, 0}, {0, 1, 0, 1}}) {
    const int ranks = 1 + *std::ranges::max_element(placement);
    const ScheduleShape shape{
        .ranks = ranks, .chunks = static_cast<int>(placement.size()) / ranks, .microbatches = 2};
    for (int trial = 0; trial < 400; ++trial) {
      const Schedule schedule = by_chance(placement, ranks, 2, random);
      if (!find_faults(schedule, shape).empty()) {
        EXPECT_THROW(simulate(lower(schedule), uniform_costs(shape.stages(), 1, 1, 1)), Deadlock);
        ++refused;
        continue;
      }
      ++passed;
      EXPECT_TRUE(find_lowered_faults(lower(schedule), shape).empty());
      comm::on_threads(ranks,
                       [&](comm::Communicator& world) { expect_same_bits(world, schedule); });
    }
  }
  EXPECT_GE(passed, 30);
  EXPECT_GE(refused, 30);
  RecordProperty("passed", passed);
}

TEST(Execute, MessagesFromOneKilobyteTo128MebibytesArriveWhole) {
  const auto run = [](const char* name, std::int64_t bytes, int microbatches) {
    const int chunks = chunks_of(name, 1);
    const Schedule compute =
        make_schedule(name, {.ranks = 2, .chunks = chunks, .microbatches = microbatches});
    comm::on_threads(
        2, [&](comm::Communicator& world) { expect_whole_messages(world, compute, bytes); });
  };
  for (const std::int64_t bytes : {1024, 4097, 65536, 1 << 20, (16 << 20) + 3}) {
    for (const char* name : {"1f1b", "zb-h1", "zbv"}) run(name, bytes, 3);
  }
  run("1f1b", 128 << 20, 2);
}

TEST(Execute, RecomputeComesBeforeEveryBackwardWholeOrSplit) {
  for (const char* name : {"1f1b", "zb-h1", "zbv", "dualpipev"}) {
    const int chunks = chunks_of(name, 1);
    const Schedule compute = make_schedule(name, {.ranks = 2, .chunks = chunks, .microbatches = 5});
    comm::on_threads(2, [&](comm::Communicator& world) {
      expect_recompute_before_each_backward(world, compute);
    });
  }
}

/// Takes its time, and fails on demand.
class SlowStage final : public Stage {
 public:
  SlowStage(int stage, int stages, double seconds)
      : stage_(stage), stages_(stages), seconds_(seconds) {}
  at::Tensor make_input(int /*microbatch*/) override { return at::empty({5}); }
  at::Tensor forward(int microbatch, at::Tensor /*input*/) override {
    if (microbatch == fails_at) throw std::runtime_error("out of luck");
    rest(seconds_);
    return stage_ + 1 == stages_ ? at::Tensor() : at::ones({5});
  }
  void recompute(int /*microbatch*/) override { rest(seconds_); }
  at::Tensor backward(int /*microbatch*/, at::Tensor /*output_gradient*/) override {
    rest(2 * seconds_);
    return stage_ == 0 ? at::Tensor() : at::ones({5});
  }
  at::Tensor backward_input(int /*microbatch*/, at::Tensor /*output_gradient*/) override {
    rest(seconds_);
    return stage_ == 0 ? at::Tensor() : at::ones({5});
  }
  void backward_weight(int /*microbatch*/) override { rest(seconds_); }
  int fails_at = -1;

 private:
  static void rest(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  }
  int stage_, stages_;
  double seconds_;
};

TEST(Execute, WhatAStageThrowsNamesRankAndAction) {
  const Schedule lowered = lower(one_f_one_b(1, 3));
  comm::on_threads(1, [&](comm::Communicator& world) {
    const parallel::ProcessGrid grid(world, {});
    ActionLog log;
    SlowStage stage(0, 1, 0);
    stage.fails_at = 2;
    try {
      execute(
          lowered, {{0, &stage}}, Edges(grid, {0}), [](int) {}, log);
      ADD_FAILURE() << "nothing was thrown";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::fault);
      EXPECT_STREQ(error.what(), "pipeline rank 0, 0F2 (action 5 of 7): out of luck");
    }
  });
}

/// What rank 1 of two complains about when it runs `ours` while rank 0 runs `theirs`.
std::string complaint_of_rank_1(const std::string& theirs, const std::string& ours) {
  std::string complaint;
  comm::on_threads(2, [&](comm::Communicator& world) {
    const parallel::ProcessGrid grid(world, {.stages = 2, .replicas = 1});
    const Schedule lowered = from_text(theirs + "\n" + ours);
    ActionLog log;
    SlowStage stage(grid.stage(), 2, 0);
    try {
      execute(
          lowered, {{grid.stage(), &stage}}, Edges(grid, {0, 1}), [](int) {}, log);
    } catch (const Error& error) {
      if (grid.stage() == 1) complaint = error.what();
    }
  });
  return complaint;
}

TEST(Execute, ASwappedPairOfSendsIsNamed) {
  EXPECT_THAT(
      complaint_of_rank_1("0F0 0F1 0SEND_F1 0SEND_F0", "1RECV_F0 1RECV_F1 1F0 1F1"),
      HasSubstr("1F0 (action 3 of 4): waits for 1RECV_F0 from rank 0, which sent 0SEND_F1"));
}

TEST(Execute, AMissingReceiveIsNamed) {
  EXPECT_THAT(complaint_of_rank_1("0F0 0F1 0SEND_F0 0SEND_F1", "1RECV_F0 1F0 1F1"),
              AllOf(HasSubstr("pipeline rank 1, 1F1 (action 3 of 3): "),
                    HasSubstr("needs 1RECV_F1 from rank 0, which the schedule does not have "
                              "before it")));
}

TEST(Edges, TagsTellMessagesApart) {
  std::set<int> tags;
  for (int stage = 0; stage < 158; ++stage) {
    for (int m = 0; m < 101; ++m) {
      for (const Op op : {Op::send_forward, Op::send_backward}) {
        const Action send{stage, op, m};
        EXPECT_TRUE(tags.insert(tag_of(send)).second) << to_string(send);
        EXPECT_EQ(tag_of(send), tag_of(counterpart(send)));
      }
    }
  }
  EXPECT_LE(*tags.rbegin(), comm::kMostTag);
  EXPECT_GE(tag_of({kNumberLimit - 1, Op::send_forward, kNumberLimit - 1}), 0);
}

TEST(Execute, ShapesThatAreWrongAreNamedNotSent) {
  const Schedule lowered = lower(one_f_one_b(2, 1));
  comm::on_threads(2, [&](comm::Communicator& world) {
    const parallel::ProcessGrid grid(world, {.stages = 2, .replicas = 1});
    if (grid.stage() == 1) return;
    ActionLog log;
    SlowStage forgets_its_output(1, 2, 0);
    EXPECT_THAT(
        [&] {
          try {
            execute(
                lowered, {{0, &forgets_its_output}}, Edges(grid, {0, 1}), [](int) {}, log);
          } catch (const Error& error) {
            return std::string(error.what());
          }
          return std::string();
        }(),
        HasSubstr("0F0 (action 1 of 5): the stage returned no activation for stage 1"));
  });
}

TEST(StepReport, MeasuredIdleStandsBesideThePredicted) {
  constexpr int kRanks = 3, kMicrobatches = 4;
  constexpr double kForward = 0.01;
  const Schedule lowered = lower(one_f_one_b(kRanks, kMicrobatches));
  comm::on_threads(kRanks, [&](comm::Communicator& world) {
    const parallel::ProcessGrid grid(world, {.stages = kRanks, .replicas = 1});
    const Edges edges(grid, rank_of_stage(lowered));
    ActionLog log;
    SlowStage stage(grid.stage(), kRanks, kForward);
    world.barrier().wait();
    const Timeline timeline = execute(
        lowered, {{grid.stage(), &stage}}, edges, [](int) {}, log);
    const StepReport report = report_step(grid.pipeline(), lowered, timeline, at::kCPU);
    ASSERT_EQ(report.ranks.size(), 3U);
    for (const RankReport& rank : report.ranks) {
      EXPECT_GE(rank.measured.busy_seconds, kMicrobatches * 3 * kForward);
      EXPECT_GE(rank.predicted.idle_seconds, (kRanks - 1) * 3 * kForward * 0.99);
      EXPECT_NEAR(rank.measured.busy_seconds + rank.measured.idle_seconds, report.measured_seconds,
                  1e-6);
      EXPECT_GE(rank.measured.idle_seconds, (kRanks - 1) * 3 * kForward * 0.9);
    }
    EXPECT_EQ(report.predicted_seconds, simulate(lowered, report.costs).makespan);
    EXPECT_GE(report.costs.stages[1].backward, 2 * kForward * 0.99);
    EXPECT_EQ(report.ranks[0].predicted_peak_activations, 3);
  });
}

TEST(StepReport, CostsAreMedians) {
  Timeline timeline;
  for (const double seconds : {5.0, 1.0, 2.0, 90.0}) {
    timeline.push_back({.action = {1, Op::forward, 0}, .start = 10, .end = 10 + seconds});
  }
  timeline.push_back({.action = {1, Op::backward, 0}, .start = 1, .end = 4});
  timeline.push_back({.action = {0, Op::forward, 0}, .start = 1, .end = 400});
  const StageCosts costs = median_costs(timeline, 1);
  EXPECT_EQ(costs.forward, 3.5);
  EXPECT_EQ(costs.backward, 3);
  EXPECT_EQ(costs.backward_weight, 0);
}

}  // namespace
}  // namespace spillway::pipeline
