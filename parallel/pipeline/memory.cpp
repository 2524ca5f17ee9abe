#include "parallel/pipeline/memory.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace spillway::pipeline {
namespace {

/// A sample that is added to the ones before it.
using Change = MemorySample;

std::vector<int> rank_of_stage(const Simulation& simulation) {
  Schedule schedule;
  for (const Timeline& timeline : simulation.ranks) {
    auto& actions = schedule.ranks.emplace_back();
    for (const TimedAction& timed : timeline) actions.push_back(timed.action);
  }
  return rank_of_stage(schedule);
}

class Ledger {
 public:
  Ledger(const Timeline& timeline, const std::vector<StageMemory>& stages, double edge_bytes,
         const std::set<int>& local_edges)
      : timeline_(timeline), stages_(stages), edge_bytes_(edge_bytes), local_edges_(local_edges) {
    for (const auto& [action, start, end, waited] : timeline) {
      trains_ |= adds_weight_gradient(action.op);
      if (action.op == Op::recompute) repeated_.emplace(action.stage, action.microbatch);
    }
  }

  MemoryUse run(double end_of_step) {
    for (const TimedAction& timed : timeline_) {
      if (is_compute(timed.action.op)) {
        hold_activations(timed);
        hold_gradients(timed, end_of_step);
        hand_over(timed);
      } else if (is_send(timed.action.op)) {
        buffer(timed.start, timed.end);
      } else if (is_recv(timed.action.op)) {
        arrivals_[timed.action] = timed.start;
      }
    }
    return summed();
  }

 private:
  const StageMemory& stage(Action action) const {
    return stages_[static_cast<std::size_t>(action.stage)];
  }

  void buffer(double from, double to) {
    changes_.push_back({.time = from, .buffer_bytes = edge_bytes_});
    changes_.push_back({.time = to, .buffer_bytes = -edge_bytes_});
  }

  void hold_activations(const TimedAction& timed) {
    const double bytes = stage(timed.action).activation_bytes;
    const double kept = stage(timed.action).kept_bytes;
    const double split = stage(timed.action).split_bytes.value_or(bytes);
    const bool forward = timed.action.op == Op::forward;
    if (forward) {
      const bool repeated = repeated_.contains({timed.action.stage, timed.action.microbatch});
      changes_.push_back({.time = timed.start, .activation_bytes = repeated ? kept : bytes});
    } else if (timed.action.op == Op::recompute) {
      changes_.push_back({.time = timed.start, .activation_bytes = bytes - kept});
    }
    if (timed.action.op == Op::backward_input) {
      changes_.push_back({.time = timed.end, .activation_bytes = split - bytes});
    }
    if (trains_ ? adds_weight_gradient(timed.action.op) : forward) {
      const bool halved = timed.action.op == Op::backward_weight;
      changes_.push_back({.time = timed.end, .activation_bytes = halved ? -split : -bytes});
    }
  }

  void hold_gradients(const TimedAction& timed, double end_of_step) {
    if (!adds_weight_gradient(timed.action.op) || !trained_.insert(timed.action.stage).second) {
      return;
    }
    const double bytes = stage(timed.action).gradient_bytes;
    changes_.push_back({.time = timed.start, .gradient_bytes = bytes});
    changes_.push_back({.time = end_of_step, .gradient_bytes = -bytes});
  }

  /// The input of F becomes one of its activations; a gradient is held until the action that needs
  /// it ends.
  void hand_over(const TimedAction& timed) {
    const Action action = timed.action;
    const bool forward = action.op == Op::forward;
    if (!forward && !makes_input_gradient(action.op)) return;
    const Op recv = forward ? Op::recv_forward : Op::recv_backward;
    const Action incoming{action.stage, recv, action.microbatch};
    if (const auto arrival = arrivals_.find(incoming); arrival != arrivals_.end()) {
      buffer(arrival->second, forward ? timed.start : timed.end);
    }
    // Edge e joins stages e and e + 1.
    if (local_edges_.contains(forward ? action.stage : action.stage - 1)) {
      arrivals_[{action.stage + (forward ? 1 : -1), recv, action.microbatch}] = timed.end;
    }
  }

  MemoryUse summed() {
    std::ranges::sort(changes_, [](const Change& a, const Change& b) {
      return a.time < b.time || (a.time == b.time && a.total() < b.total());
    });
    MemoryUse use;
    MemorySample now;
    for (const Change& change : changes_) {
      now = {change.time, now.activation_bytes + change.activation_bytes,
             now.gradient_bytes + change.gradient_bytes, now.buffer_bytes + change.buffer_bytes};
      if (!use.samples.empty() && use.samples.back().time == now.time) use.samples.pop_back();
      use.samples.push_back(now);
      use.peak_bytes = std::max(use.peak_bytes, now.total());
    }
    return use;
  }

  const Timeline& timeline_;
  const std::vector<StageMemory>& stages_;
  double edge_bytes_;
  const std::set<int>& local_edges_;
  bool trains_ = false;
  std::set<std::pair<int, int>> repeated_;  ///< stage and micro-batch that have an R
  std::set<int> trained_;                   ///< stages whose gradients are held
  std::map<Action, double> arrivals_;  ///< since when the tensor of a RECV, or one handed over, is
  std::vector<Change> changes_;
};

}  // namespace

std::vector<MemoryUse> memory_over_time(const Simulation& simulation,
                                        const std::vector<StageMemory>& stages, double edge_bytes) {
  const std::vector<int> placement = rank_of_stage(simulation);
  if (stages.size() != placement.size()) {
    fail_input("memory of " + std::to_string(stages.size()) + " stages given for " +
               std::to_string(placement.size()) + " stages");
  }
  std::vector<std::set<int>> local_edges(simulation.ranks.size());
  for (std::size_t stage = 0; stage + 1 < placement.size(); ++stage) {
    if (placement[stage] >= 0 && placement[stage] == placement[stage + 1]) {
      local_edges[static_cast<std::size_t>(placement[stage])].insert(static_cast<int>(stage));
    }
  }
  std::vector<MemoryUse> ranks;
  for (std::size_t rank = 0; rank < simulation.ranks.size(); ++rank) {
    Ledger ledger(simulation.ranks[rank], stages, edge_bytes, local_edges[rank]);
    ranks.push_back(ledger.run(simulation.makespan));
  }
  return ranks;
}

}  // namespace spillway::pipeline
