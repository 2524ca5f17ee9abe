#include "parallel/pipeline/held_activations.hpp"

#include <algorithm>
#include <deque>
#include <set>
#include <utility>

namespace spillway::pipeline {
namespace {

constexpr double kSlack = 1e-9;  // kept shares are fractions

/// How an action changes what its rank holds, before and behind it.
class Changes {
 public:
  Changes(const std::vector<Action>& actions, const std::vector<double>& kept)
      : kept_(kept), trains_(std::ranges::any_of(actions, adds_weight_gradient, &Action::op)) {
    for (const Action& action : actions) {
      if (action.op == Op::recompute) repeated_.emplace(action.stage, action.microbatch);
    }
  }

  double taken(Action action) const {
    const double kept = kept_[static_cast<std::size_t>(action.stage)];
    if (action.op == Op::recompute) return 1 - kept;
    if (action.op != Op::forward) return 0;
    return repeated_.contains({action.stage, action.microbatch}) ? kept : 1;
  }
  double freed(Action action) const {
    return (trains_ ? adds_weight_gradient(action.op) : action.op == Op::forward) ? 1 : 0;
  }

 private:
  const std::vector<double>& kept_;
  bool trains_;
  std::set<std::pair<int, int>> repeated_;  ///< stage and micro-batch that have an R
};

/// Moves the W of one rank.
class Mover {
 public:
  Mover(const Schedule& compute, const std::vector<Action>& actions,
        const std::vector<double>& kept, double cap)
      : compute_(compute), actions_(actions), changes_(actions, kept), cap_(cap) {}

  std::vector<Action> run() {
    for (std::size_t i = 0; i < actions_.size(); ++i) {
      const Action action = actions_[i];
      if (action.op == Op::backward_weight && !waiting(action)) continue;  // was moved ahead
      // Nothing comes between the two of an overlapped block.
      const bool second = i > 0 && compute_.overlapped.contains(actions_[i - 1]);
      const double taken = changes_.taken(action);
      while (taken > 0 && !second && !due_.empty() && held_ + taken > cap_ + kSlack) {
        perform(due_.front());
      }
      perform(action);
    }
    return std::move(moved_);
  }

 private:
  bool waiting(Action weight) const { return std::ranges::find(due_, weight) != due_.end(); }

  void perform(Action action) {
    if (action.op == Op::backward_weight) std::erase(due_, action);
    if (action.op == Op::backward_input) {
      due_.push_back({action.stage, Op::backward_weight, action.microbatch});
    }
    held_ += changes_.taken(action) - changes_.freed(action);
    moved_.push_back(action);
  }

  const Schedule& compute_;
  const std::vector<Action>& actions_;
  Changes changes_;
  double cap_;
  double held_ = 0;
  std::deque<Action> due_;  ///< W whose I is done, oldest first
  std::vector<Action> moved_;
};

}  // namespace

double most_held(const std::vector<Action>& actions, const std::vector<double>& kept) {
  const Changes changes(actions, kept);
  double held = 0, most = 0;
  for (const Action& action : actions) {
    held += changes.taken(action);
    most = std::max(most, held);
    held -= changes.freed(action);
  }
  return most;
}

Schedule with_early_weight_gradients(const Schedule& compute, const std::vector<double>& kept,
                                     const std::vector<double>& cap) {
  Schedule moved = compute;
  for (std::size_t rank = 0; rank < moved.ranks.size(); ++rank) {
    moved.ranks[rank] = Mover(compute, compute.ranks[rank], kept, cap[rank]).run();
  }
  return moved;
}

}  // namespace spillway::pipeline
