#include "parallel/pipeline/schedules/in_turn.hpp"

#include <algorithm>
#include <cstddef>

namespace spillway::pipeline {

std::vector<Action> in_turn(const std::vector<Action>& forwards,
                            const std::vector<Action>& backwards, int warmup) {
  const std::size_t ahead = std::min(static_cast<std::size_t>(warmup), forwards.size());
  std::vector<Action> actions(forwards.begin(),
                              forwards.begin() + static_cast<std::ptrdiff_t>(ahead));
  for (std::size_t i = 0; i < backwards.size(); ++i) {
    if (ahead + i < forwards.size()) actions.push_back(forwards[ahead + i]);
    actions.push_back(backwards[i]);
  }
  return actions;
}

std::vector<Action> split_backwards(const std::vector<Action>& actions, int delay) {
  std::vector<Action> split, weights;
  for (Action action : actions) {
    if (action.op == Op::backward) {
      weights.push_back({action.stage, Op::backward_weight, action.microbatch});
      action.op = Op::backward_input;
    }
    split.push_back(action);
    const std::size_t behind = static_cast<std::size_t>(delay) + 1;
    if (action.op == Op::backward_input && weights.size() >= behind) {
      split.push_back(weights[weights.size() - behind]);
    }
  }
  const std::size_t left = std::min(weights.size(), static_cast<std::size_t>(delay));
  split.insert(split.end(), weights.end() - static_cast<std::ptrdiff_t>(left), weights.end());
  return split;
}

}  // namespace spillway::pipeline
