#include "parallel/pipeline/schedules/looped_bfs.hpp"

namespace spillway::pipeline {

Schedule looped_bfs(const ScheduleShape& shape) {
  Schedule schedule;
  for (int rank = 0; rank < shape.ranks; ++rank) {
    auto& actions = schedule.ranks.emplace_back();
    const auto through = [&](int chunk, Op op) {
      const int stage = chunk * shape.ranks + rank;
      for (int m = 0; m < shape.microbatches; ++m) actions.push_back({stage, op, m});
    };
    for (int chunk = 0; chunk < shape.chunks; ++chunk) through(chunk, Op::forward);
    for (int chunk = shape.chunks; chunk-- > 0;) through(chunk, Op::backward);
  }
  return schedule;
}

}  // namespace spillway::pipeline
