#include "parallel/pipeline/schedules/v_block.hpp"

#include <algorithm>
#include <deque>
#include <iterator>
#include <ranges>
#include <utility>

#include "configs/error.hpp"
#include "parallel/pipeline/schedules/v_rank.hpp"

namespace spillway::pipeline {
namespace {

/// Slots between a micro-batch and the next.
constexpr int kInterval = 6;

/// The slots of one micro-batch: slots[rank][chunk] for its F and its I.
class Block {
 public:
  Block(int ranks, const VOffsets& offsets)
      : forward(static_cast<std::size_t>(ranks)), backward(forward), taken_(forward.size()) {
    int slot = pass(forward, 0, true, 0, offsets.forward_down);
    slot = pass(forward, 1, false, slot + 1, offsets.forward_up);
    slot = pass(backward, 1, true, slot + 1, offsets.backward_down);
    pass(backward, 0, false, slot + 1, offsets.backward_up);
  }

  std::vector<std::array<int, 2>> forward, backward;

 private:
  /// Over the ranks, down or up the V; returns the last slot.
  int pass(std::vector<std::array<int, 2>>& slots, std::size_t chunk, bool down, int slot,
           int offset) {
    for (std::size_t i = 0; i < slots.size(); ++i) {
      const std::size_t rank = down ? i : slots.size() - 1 - i;
      if (i > 0) slot += offset;
      while (std::exchange(taken_[rank][static_cast<std::size_t>(slot % kInterval)], true)) ++slot;
      slots[rank][chunk] = slot;
    }
    return slot;
  }

  std::vector<std::array<bool, kInterval>> taken_;
};

/// The Fs and Is of a rank in the order of the repeated blocks.
std::vector<Action> repeated(const Block& block, int rank, int ranks, int microbatches) {
  const VRank v(rank, ranks);
  const auto at = static_cast<std::size_t>(rank);
  std::vector<std::pair<int, Action>> timed;
  for (int m = 0; m < microbatches; ++m) {
    for (const int chunk : {0, 1}) {
      const auto c = static_cast<std::size_t>(chunk);
      const int start = kInterval * m;
      timed.push_back({start + block.forward[at][c], {v.stage(chunk), Op::forward, m}});
      timed.push_back({start + block.backward[at][c], {v.stage(chunk), Op::backward_input, m}});
    }
  }
  std::ranges::sort(timed);
  std::vector<Action> order;
  std::ranges::copy(timed | std::views::values, std::back_inserter(order));
  return order;
}

/// Plays the ranks' orders slot by slot and puts the Ws where they wait.
class Player {
 public:
  Player(std::vector<std::vector<Action>> orders, int microbatches, int limit)
      : orders_(std::move(orders)),
        ranks_(orders_.size()),
        microbatches_(microbatches),
        most_held_(2 * limit),
        done_(2, std::vector<int>(2 * orders_.size() * static_cast<std::size_t>(microbatches),
                                  kNever)) {
    schedule_.ranks.resize(orders_.size());
  }

  Schedule run() {
    bool acted = true;
    for (int slot = 0; acted; ++slot) {
      acted = false;
      for (std::size_t rank = 0; rank < orders_.size(); ++rank) acted |= act(rank, slot);
    }
    for (const Rank& rank : ranks_) {
      if (rank.next < 4 * microbatches_) fail("the V block does not fit into its memory limit");
    }
    return std::move(schedule_);
  }

 private:
  static constexpr int kNever = 1 << 30;
  struct Rank {
    int next = 0;  ///< position in its order
    int held = 0;  ///< activations of one chunk
    std::deque<Action> weights;
  };

  /// Does one action; false if there is none to do.
  bool act(std::size_t rank, int slot) { return act_in_order(rank, slot) || add_weight(rank); }

  bool act_in_order(std::size_t index, int slot) {
    Rank& rank = ranks_[index];
    if (rank.next == 4 * microbatches_) return false;
    const Action next = orders_[index][static_cast<std::size_t>(rank.next)];
    const bool forward = next.op == Op::forward;
    if (!is_ready(next, slot) || (forward && rank.held == most_held_)) return false;
    if (forward) ++rank.held;
    if (!forward) rank.weights.push_back({next.stage, Op::backward_weight, next.microbatch});
    ++rank.next;
    done(next) = slot + 1;
    schedule_.ranks[index].push_back(next);
    return true;
  }

  bool add_weight(std::size_t index) {
    Rank& rank = ranks_[index];
    if (rank.weights.empty()) return false;
    schedule_.ranks[index].push_back(rank.weights.front());
    rank.weights.pop_front();
    --rank.held;
    return true;
  }

  bool is_ready(Action a, int slot) {
    const int last_stage = 2 * static_cast<int>(orders_.size()) - 1;
    if (a.op == Op::forward) {
      return a.stage == 0 || done({a.stage - 1, Op::forward, a.microbatch}) <= slot;
    }
    if (done({a.stage, Op::forward, a.microbatch}) > slot) return false;
    return a.stage == last_stage || done({a.stage + 1, Op::backward_input, a.microbatch}) <= slot;
  }

  /// The slot from which the result of an F or I is there.
  int& done(Action action) {
    const int cell = action.stage * microbatches_ + action.microbatch;
    return done_[action.op == Op::forward ? 0 : 1][static_cast<std::size_t>(cell)];
  }

  std::vector<std::vector<Action>> orders_;
  std::vector<Rank> ranks_;
  int microbatches_;
  int most_held_;
  std::vector<std::vector<int>> done_;
  Schedule schedule_;
};

}  // namespace

Schedule repeat_v_block(int ranks, int microbatches, const VOffsets& offsets, int limit) {
  const Block block(ranks, offsets);
  std::vector<std::vector<Action>> orders;
  orders.reserve(static_cast<std::size_t>(ranks));
  for (int rank = 0; rank < ranks; ++rank) {
    orders.push_back(repeated(block, rank, ranks, microbatches));
  }
  return Player(std::move(orders), microbatches, limit).run();
}

}  // namespace spillway::pipeline
