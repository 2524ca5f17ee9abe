#include "parallel/pipeline/recompute.hpp"

namespace spillway::pipeline {
namespace {

/// Inserts into one rank's actions.
class Inserter {
 public:
  Inserter(const Schedule& compute, const std::vector<Action>& actions)
      : compute_(compute), places_(compute), actions_(actions) {}

  std::vector<Action> run() {
    for (std::size_t i = 0; i < actions_.size(); ++i) {
      // Nothing comes between the two of an overlapped block.
      const bool block = compute_.overlapped.contains(actions_[i]);
      if (block) repeat_for(actions_[i + 1]);
      const bool second = i > 0 && compute_.overlapped.contains(actions_[i - 1]);
      if (!second) repeat_for(actions_[i]);
      all_.push_back(actions_[i]);
    }
    return std::move(all_);
  }

 private:
  void repeat_for(Action action) {
    const Action again{action.stage, Op::recompute, action.microbatch};
    if (makes_input_gradient(action.op) && !places_.find(again)) all_.push_back(again);
  }

  const Schedule& compute_;
  Places places_;
  const std::vector<Action>& actions_;
  std::vector<Action> all_;
};

}  // namespace

Schedule with_recompute(const Schedule& compute) {
  Schedule repeated = compute;
  for (auto& actions : repeated.ranks) actions = Inserter(compute, actions).run();
  return repeated;
}

}  // namespace spillway::pipeline
