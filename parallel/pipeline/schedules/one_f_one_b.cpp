#include "parallel/pipeline/schedules/one_f_one_b.hpp"

#include <algorithm>

namespace spillway::pipeline {

Schedule one_f_one_b(int ranks, int microbatches) {
  Schedule schedule;
  for (int rank = 0; rank < ranks; ++rank) {
    auto& actions = schedule.ranks.emplace_back();
    const int warmup = std::min(ranks - 1 - rank, microbatches);
    for (int m = 0; m < warmup; ++m) actions.push_back({rank, Op::forward, m});
    for (int m = 0; m < microbatches; ++m) {
      if (warmup + m < microbatches) actions.push_back({rank, Op::forward, warmup + m});
      actions.push_back({rank, Op::backward, m});
    }
  }
  return schedule;
}

}  // namespace spillway::pipeline
