#pragma once

#include <array>
#include <vector>

#include "parallel/pipeline/action.hpp"

namespace spillway::pipeline {

/// One rank of a V in the making: p ranks, 2p stages, chunk 0 of rank r is stage r and chunk 1 is
/// stage 2p-1-r, so that rank 0 has the first and the last stage and rank p-1 hands over to itself.
/// Actions are appended by chunk and kind; each kind of a chunk takes its micro-batches in order.
class VRank {
 public:
  VRank(int rank, int ranks) : stages_{rank, 2 * ranks - 1 - rank} {}

  int stage(int chunk) const { return stages_[static_cast<std::size_t>(chunk)]; }
  /// Micro-batches of the chunk that have had this: F, I (or B) or W (or B).
  int count(int chunk, Op op) const { return counts_[static_cast<std::size_t>(chunk)][index(op)]; }

  Action add(int chunk, Op op) {
    auto& counts = counts_[static_cast<std::size_t>(chunk)];
    const Action action{stage(chunk), op, counts[index(op)]++};
    if (op == Op::backward) ++counts[index(Op::backward_weight)];
    actions_.push_back(action);
    return action;
  }

  const std::vector<Action>& actions() const { return actions_; }

 private:
  static std::size_t index(Op op) {
    return static_cast<std::size_t>(op == Op::backward ? Op::backward_input : op);
  }

  std::array<int, 2> stages_;
  std::array<std::array<int, kOps>, 2> counts_{};
  std::vector<Action> actions_;
};

}  // namespace spillway::pipeline
