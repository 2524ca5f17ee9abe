#include "parallel/pipeline/schedules/gpipe.hpp"

namespace spillway::pipeline {

Schedule gpipe(int ranks, int microbatches) {
  Schedule schedule;
  for (int rank = 0; rank < ranks; ++rank) {
    auto& actions = schedule.ranks.emplace_back();
    for (int m = 0; m < microbatches; ++m) actions.push_back({rank, Op::forward, m});
    for (int m = 0; m < microbatches; ++m) actions.push_back({rank, Op::backward, m});
  }
  return schedule;
}

}  // namespace spillway::pipeline
