#include "parallel/pipeline/schedule.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace spillway::pipeline {
namespace {

/// F for the forward direction, else B or, where the backward is split, I.
std::optional<Place> compute_at(Action message, bool forward, const Places& places) {
  if (forward) return places.find({message.stage, Op::forward, message.microbatch});
  const auto whole = places.find({message.stage, Op::backward, message.microbatch});
  return whole ? whole : places.find({message.stage, Op::backward_input, message.microbatch});
}

}  // namespace

int count_stages(const Schedule& schedule) {
  int stages = 0;
  for (const auto& actions : schedule.ranks) {
    for (const Action& action : actions) stages = std::max(stages, action.stage + 1);
  }
  return stages;
}

int count_microbatches(const Schedule& schedule) {
  int microbatches = 0;
  for (const auto& actions : schedule.ranks) {
    for (const Action& action : actions)
      microbatches = std::max(microbatches, action.microbatch + 1);
  }
  return microbatches;
}

std::vector<int> rank_of_stage(const Schedule& schedule) {
  std::vector<int> ranks(static_cast<std::size_t>(count_stages(schedule)), -1);
  for (std::size_t rank = 0; rank < schedule.ranks.size(); ++rank) {
    for (const Action& action : schedule.ranks[rank]) {
      if (!is_compute(action.op)) continue;
      int& owner = ranks[static_cast<std::size_t>(action.stage)];
      if (owner < 0) owner = static_cast<int>(rank);
    }
  }
  return ranks;
}

int most_activations(const std::vector<Action>& actions) {
  const bool trains = std::ranges::any_of(actions, adds_weight_gradient, &Action::op);
  std::set<std::pair<int, int>> repeated;
  for (const Action& action : actions) {
    if (action.op == Op::recompute) repeated.emplace(action.stage, action.microbatch);
  }
  int held = 0, most = 0;
  for (const Action& action : actions) {
    const bool first =
        action.op == Op::forward && !repeated.contains({action.stage, action.microbatch});
    if (first || action.op == Op::recompute) most = std::max(most, ++held);
    if (trains ? adds_weight_gradient(action.op) : action.op == Op::forward) --held;
  }
  return most;
}

Places::Places(const Schedule& schedule) {
  for (std::size_t rank = 0; rank < schedule.ranks.size(); ++rank) {
    const auto& actions = schedule.ranks[rank];
    for (std::size_t i = 0; i < actions.size(); ++i) {
      places_.try_emplace(actions[i], Place{static_cast<int>(rank), static_cast<int>(i)});
    }
  }
}

std::optional<Place> Places::find(Action action) const {
  const auto found = places_.find(action);
  return found == places_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<Place> consumer_of(Action recv, const Places& places) {
  return compute_at(recv, recv.op == Op::recv_forward, places);
}

std::optional<Place> producer_of(Action send, const Places& places) {
  return compute_at(send, send.op == Op::send_forward, places);
}

}  // namespace spillway::pipeline
