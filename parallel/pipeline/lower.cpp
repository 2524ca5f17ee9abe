#include "parallel/pipeline/lower.hpp"

#include <algorithm>
#include <map>

#include "configs/error.hpp"
#include "parallel/pipeline/route.hpp"

namespace spillway::pipeline {
namespace {

using Lists = std::vector<std::vector<Action>>;

/// One rank's compute actions, with what is to stand before and behind each.
struct Row {
  explicit Row(std::size_t size) : receives(size), behind(size) {}
  Lists receives;
  Lists behind;
};

class Lowering {
 public:
  Lowering(const Schedule& compute, const Costs& costs)
      : compute_(compute), costs_(costs), placement_(rank_of_stage(compute)), places_(compute) {
    for (const auto& actions : compute.ranks) rows_.emplace_back(actions.size());
  }

  Schedule run() {
    for (int rank = 0; rank < ranks(); ++rank) {
      place_sends(rank);
      place_reductions(rank);
    }
    for (const auto& [route, sends] : sends_) place_receives(route, sends);
    Schedule lowered{.ranks = {}, .overlapped = compute_.overlapped};
    for (int rank = 0; rank < ranks(); ++rank) lowered.ranks.push_back(merged(rank));
    return lowered;
  }

 private:
  int ranks() const { return static_cast<int>(compute_.ranks.size()); }
  const std::vector<Action>& actions(int rank) const {
    return compute_.ranks[static_cast<std::size_t>(rank)];
  }
  Row& row(int rank) { return rows_[static_cast<std::size_t>(rank)]; }
  bool starts_block(Action action) const { return compute_.overlapped.contains(action); }

  void place_sends(int rank) {
    const int last = static_cast<int>(placement_.size()) - 1;
    for (std::size_t i = 0; i < actions(rank).size(); ++i) {
      const Action action = actions(rank)[i];
      const bool forward = action.op == Op::forward;
      const int receiver = forward ? action.stage + 1 : action.stage - 1;
      if (!forward && !makes_input_gradient(action.op)) continue;
      if (receiver < 0 || receiver > last || is_local(action.stage, receiver, placement_)) continue;
      const Action send{action.stage, forward ? Op::send_forward : Op::send_backward,
                        action.microbatch};
      const auto route = route_of(send, placement_, ranks());
      if (!route) fail_input(to_string(send) + ": its receiver is not on a neighbouring rank");
      row(rank).behind[starts_block(action) ? i + 1 : i].push_back(send);
      sends_[*route].push_back(send);
    }
  }

  void place_reductions(int rank) {
    std::map<int, std::size_t> last_backward;
    for (std::size_t i = 0; i < actions(rank).size(); ++i) {
      const Action action = actions(rank)[i];
      if (adds_weight_gradient(action.op)) last_backward[action.stage] = i;
    }
    for (const auto& [stage, i] : last_backward) {
      row(rank).behind[i].push_back({stage, Op::reduce_gradient, 0});
    }
  }

  /// Each receive where it is wanted, but not behind its successor on the route, nor before what it
  /// or a predecessor has to follow.
  void place_receives(const Route& route, const std::vector<Action>& sends) {
    std::vector<int> positions;
    int earliest = 0;
    for (const Action& send : sends) {
      const Action recv = counterpart(send);
      const int consumer = consumer_position(recv);
      earliest = std::max(earliest, first_position(recv));
      positions.push_back(std::min(std::max(ahead(route.to, consumer), earliest), consumer));
    }
    for (std::size_t k = positions.size(); k-- > 1;) {
      positions[k - 1] = std::min(positions[k - 1], positions[k]);
    }
    for (std::size_t k = 0; k < sends.size(); ++k) {
      auto& receives = row(route.to).receives[static_cast<std::size_t>(positions[k])];
      receives.push_back(counterpart(sends[k]));
    }
  }

  /// Where a receive stands that is kReceiveAhead, and at least a transfer, before its consumer.
  int ahead(int rank, int consumer) const {
    int position = consumer;
    double covered = 0;
    while (position > 0 &&
           (consumer - position < kReceiveAhead || covered < costs_.transfer_seconds())) {
      covered += seconds(actions(rank)[static_cast<std::size_t>(--position)]);
    }
    return position;
  }

  /// 0 without costs.
  double seconds(Action action) const {
    const auto stage = static_cast<std::size_t>(action.stage);
    return stage < costs_.stages.size() ? costs_.stages[stage].of(action.op) : 0;
  }

  int consumer_position(Action recv) const {
    const auto consumer = consumer_of(recv, places_);
    if (!consumer) fail_input(to_string(recv) + " has no consumer: the schedule lacks an action");
    return consumer->position;
  }

  /// A gradient comes behind the forward whose output it is of.
  int first_position(Action recv) const {
    if (recv.op == Op::recv_forward) return 0;
    const auto forward = places_.find({recv.stage, Op::forward, recv.microbatch});
    return forward ? forward->position + 1 : 0;
  }

  std::vector<Action> merged(int rank) {
    std::vector<Action> all;
    const auto append = [&all](const std::vector<Action>& some) {
      all.insert(all.end(), some.begin(), some.end());
    };
    for (std::size_t i = 0; i < actions(rank).size(); ++i) {
      append(row(rank).receives[i]);
      all.push_back(actions(rank)[i]);
      append(row(rank).behind[i]);
    }
    return all;
  }

  const Schedule& compute_;
  const Costs& costs_;
  std::vector<int> placement_;
  Places places_;
  std::vector<Row> rows_;
  std::map<Route, std::vector<Action>> sends_;
};

}  // namespace

Schedule lower(const Schedule& compute, const Costs& costs) {
  return Lowering(compute, costs).run();
}

}  // namespace spillway::pipeline
