#include "parallel/pipeline/schedules/forward_only.hpp"

namespace spillway::pipeline {

Schedule forward_only(const std::vector<int>& rank_of_stage, int ranks, int microbatches) {
  const int stages = static_cast<int>(rank_of_stage.size());
  Schedule schedule;
  schedule.ranks.resize(static_cast<std::size_t>(ranks));
  // Sorted by stage + micro-batch, every rank's list is part of one order that respects all
  // dependencies: no deadlock.
  for (int wave = 0; wave < stages + microbatches - 1; ++wave) {
    for (int stage = stages - 1; stage >= 0; --stage) {
      const int microbatch = wave - stage;
      if (microbatch < 0 || microbatch >= microbatches) continue;
      const int rank = rank_of_stage[static_cast<std::size_t>(stage)];
      schedule.ranks.at(static_cast<std::size_t>(rank)).push_back({stage, Op::forward, microbatch});
    }
  }
  return schedule;
}

}  // namespace spillway::pipeline
