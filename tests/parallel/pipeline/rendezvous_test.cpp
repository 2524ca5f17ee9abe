#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>
#include <map>
#include <random>
#include <set>

#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/route.hpp"
#include "parallel/pipeline/schedules/gpipe.hpp"
#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "parallel/pipeline/validate.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

using testing::HasSubstr;

enum class Buffers : std::uint8_t { none, unlimited };

/// Plays a lowered schedule as ranks do, step by step and without clocks: each route has a
/// communicator that holds what is posted at its two ends, in order. Without buffers it carries the
/// heads of both ends once they belong together, and nothing overtakes a head that waits. With
/// unlimited buffers a receive takes its message wherever it stands.
class Game {
 public:
  Game(const Schedule& schedule, Buffers buffers)
      : schedule_(schedule),
        buffers_(buffers),
        placement_(rank_of_stage(schedule)),
        next_(schedule.ranks.size()) {}

  /// True if every rank gets to the end and every message is carried.
  bool finishes() {
    for (bool moved = true; moved;) {
      moved = false;
      for (std::size_t rank = 0; rank < next_.size(); ++rank) moved |= step(rank);
      for (auto& [route, ends] : communicators_) moved |= carry(ends);
    }
    for (std::size_t rank = 0; rank < next_.size(); ++rank) {
      if (next_[rank] < schedule_.ranks[rank].size()) return false;
    }
    for (const auto& [route, ends] : communicators_) {
      if (!ends.sends.empty() || !ends.receives.empty()) return false;
    }
    return true;
  }

 private:
  struct Ends {
    std::deque<Action> sends, receives;
  };

  bool step(std::size_t rank) {
    if (next_[rank] == schedule_.ranks[rank].size()) return false;
    const Action action = schedule_.ranks[rank][next_[rank]];
    if (is_compute(action.op) && !inputs_there(action)) return false;
    if (is_send(action.op)) {
      if (!made(action)) return false;
      post(action).sends.push_back(action);
    } else if (is_recv(action.op)) {
      post(action).receives.push_back(action);
    }
    done_.insert(action);
    ++next_[rank];
    return true;
  }

  Ends& post(Action message) {
    return communicators_[*route_of(message, placement_, static_cast<int>(schedule_.ranks.size()))];
  }

  bool carry(Ends& ends) {
    for (std::size_t k = 0; k < ends.receives.size(); ++k) {
      const Action recv = ends.receives[k];
      const auto send = std::ranges::find(ends.sends, counterpart(recv));
      if (send == ends.sends.end()) continue;
      if (buffers_ == Buffers::none && (k > 0 || send != ends.sends.begin())) continue;
      arrived_.insert(recv);
      ends.sends.erase(send);
      ends.receives.erase(ends.receives.begin() + static_cast<std::ptrdiff_t>(k));
      return true;
    }
    return false;
  }

  bool made(Action send) const {
    const auto did = [&](Op op) { return done_.contains({send.stage, op, send.microbatch}); };
    if (send.op == Op::send_forward) return did(Op::forward);
    return did(Op::backward) || did(Op::backward_input);
  }

  bool inputs_there(Action action) const {
    const int last = static_cast<int>(placement_.size()) - 1;
    const auto did = [&](int stage, Op op) {
      return done_.contains({stage, op, action.microbatch});
    };
    const auto from = [&](int stage, Op recv, Op op, Op half) {
      return is_local(action.stage, stage, placement_)
                 ? did(stage, op) || did(stage, half)
                 : arrived_.contains({action.stage, recv, action.microbatch});
    };
    if (action.op == Op::backward_weight) return did(action.stage, Op::backward_input);
    if (action.op == Op::forward) {
      return action.stage == 0 ||
             from(action.stage - 1, Op::recv_forward, Op::forward, Op::forward);
    }
    return did(action.stage, Op::forward) &&
           (action.stage == last ||
            from(action.stage + 1, Op::recv_backward, Op::backward, Op::backward_input));
  }

  const Schedule& schedule_;
  Buffers buffers_;
  std::vector<int> placement_;
  std::vector<std::size_t> next_;
  std::set<Action> done_, arrived_;
  std::map<Route, Ends> communicators_;
};

std::vector<Schedule> sound_schedules() {
  return {lower(one_f_one_b(3, 4)), lower(gpipe(4, 3)), lower(one_f_one_b(2, 5)),
          lower(from_text("0F0 5F0 0F1 5I0 5W0 5F1 0B0 5B1 0I1 0W1\n"
                          "1F0 4F0 1F1 4F1 4B0 1B0 4I1 1I1 4W1 1W1\n"
                          "2F0 3F0 2F1 3F1 3B0 2B0 3I1 2I1 3W1 2W1")),
          lower(from_text("0F0 0F1 2F0 2F1 2B0 2B1 0B0 0B1\n1F0 1F1 3F0 3B0 3F1 3B1 1B0 1B1"))};
}

ScheduleShape shape_of(const Schedule& schedule) {
  const int ranks = static_cast<int>(schedule.ranks.size());
  return {.ranks = ranks,
          .chunks = count_stages(schedule) / ranks,
          .microbatches = count_microbatches(schedule)};
}

TEST(Rendezvous, NoScheduleThatCanStandStillIsFoundSound) {
  std::mt19937 random(5);
  const auto pick = [&](std::size_t n) {
    return std::uniform_int_distribution<std::ptrdiff_t>(
        0, static_cast<std::ptrdiff_t>(n) - 1)(random);
  };
  int stuck = 0, only_with_buffers = 0;
  for (const Schedule& sound : sound_schedules()) {
    ASSERT_TRUE(Game(sound, Buffers::none).finishes());
    for (int trial = 0; trial < 1500; ++trial) {
      Schedule moved = sound;
      for (int moves = 1 + static_cast<int>(pick(3)); moves > 0; --moves) {
        auto& actions = moved.ranks[static_cast<std::size_t>(pick(moved.ranks.size()))];
        const auto from = actions.begin() + pick(actions.size());
        const auto to = actions.begin() + pick(actions.size());
        from < to ? std::rotate(from, from + 1, to + 1) : std::rotate(to, from, from + 1);
      }
      const auto faults = find_lowered_faults(moved, shape_of(moved));
      const bool finishes = Game(moved, Buffers::none).finishes();
      if (!finishes) {
        ++stuck;
        only_with_buffers += Game(moved, Buffers::unlimited).finishes();
        EXPECT_FALSE(faults.empty()) << to_text(moved);
      } else {
        for (const Fault& fault : faults) {
          EXPECT_FALSE(fault.reason.starts_with("deadlock")) << fault.reason << "\n"
                                                             << to_text(moved);
        }
      }
    }
  }
  EXPECT_GT(stuck, 1000);
  EXPECT_GT(only_with_buffers, 50);
}

TEST(Rendezvous, WhatOnlyBuffersWouldSaveIsFound) {
  const Schedule lowered = from_text(
      "0F0 0F1 0SEND_F1 0SEND_F0 0RECV_B0 0B0 0RECV_B1 0B1 0REDUCE_GRAD\n"
      "1RECV_F0 1F0 1B0 1SEND_B0 1RECV_F1 1F1 1B1 1SEND_B1 1REDUCE_GRAD");
  EXPECT_TRUE(Game(lowered, Buffers::unlimited).finishes());
  EXPECT_FALSE(Game(lowered, Buffers::none).finishes());
  const std::string message = complaint([&] { validate_lowered(lowered, shape_of(lowered)); });
  EXPECT_THAT(message,
              HasSubstr("rank 1, action 1: 1RECV_F0 crosses on the route rank 0 -> rank 1: "
                        "its message 1 is 0SEND_F1 (rank 0, action 3)"));
  EXPECT_THAT(message, HasSubstr("> rank 1  >1RECV_F0<"));
}

/// A compute schedule without a deadlock: actions in a random order that respects what they need,
/// each appended to its rank.
Schedule random_schedule(std::mt19937& random, const std::vector<int>& owner, int ranks,
                         int microbatches) {
  const int stages = static_cast<int>(owner.size());
  Schedule schedule;
  schedule.ranks.resize(static_cast<std::size_t>(ranks));
  std::set<Action> done;
  std::vector<Action> open;
  for (int m = 0; m < microbatches; ++m) open.push_back({0, Op::forward, m});
  while (!open.empty()) {
    const auto i = std::uniform_int_distribution<std::size_t>(0, open.size() - 1)(random);
    const Action action = open[i];
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
    schedule.ranks[static_cast<std::size_t>(owner[static_cast<std::size_t>(action.stage)])]
        .push_back(action);
    if (action.op == Op::backward_weight) continue;
    const bool forward = action.op == Op::forward;
    const bool turns = forward && action.stage + 1 == stages;
    const int next = turns ? action.stage : action.stage + (forward ? 1 : -1);
    if (action.op == Op::backward_input)
      open.push_back({action.stage, Op::backward_weight, action.microbatch});
    if (next < 0) continue;
    const Op backward = random() % 2 == 0 ? Op::backward : Op::backward_input;
    open.push_back({next, forward && !turns ? Op::forward : backward, action.microbatch});
  }
  return schedule;
}

TEST(Rendezvous, EveryOrderThatRespectsItsNeedsIsLoweredToOneThatRuns) {
  std::mt19937 random(17);
  const std::vector<std::vector<int>> placements{{0, 1, 2},    {0, 1, 2, 2, 1, 0},
                                                 {0, 1, 0, 1}, {0, 1, 2, 0, 1, 2},
                                                 {0, 0, 1, 1}, {0, 1, 1, 0, 0, 1}};
  for (int trial = 0; trial < 600; ++trial) {
    const auto& owner = placements[static_cast<std::size_t>(trial) % placements.size()];
    const int ranks = 1 + std::ranges::max(owner);
    const Schedule compute = random_schedule(random, owner, ranks, 1 + trial % 5);
    const ScheduleShape shape = shape_of(compute);
    ASSERT_EQ(complaint([&] { validate(compute, shape); }), "");
    const Schedule lowered = lower(compute);
    EXPECT_EQ(complaint([&] { validate_lowered(lowered, shape); }), "");
    EXPECT_TRUE(Game(lowered, Buffers::none).finishes()) << to_text(lowered);
  }
}

}  // namespace
}  // namespace spillway::pipeline
