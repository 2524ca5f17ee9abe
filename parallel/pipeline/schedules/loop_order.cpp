#include "parallel/pipeline/schedules/loop_order.hpp"

#include <algorithm>

namespace spillway::pipeline {

LoopOrder loop_order(int rank, const ScheduleShape& shape) {
  const int rounds = std::max(1, shape.microbatches / shape.ranks);
  const int least = shape.microbatches / rounds, larger = shape.microbatches % rounds;
  LoopOrder order{.forwards = {}, .backwards = {}, .round = least + (larger > 0 ? 1 : 0)};
  int first = 0;
  for (int round = 0; round < rounds; ++round) {
    const int next = first + least + (round < larger ? 1 : 0);
    for (int chunk = 0; chunk < shape.chunks; ++chunk) {
      const int last_chunk = shape.chunks - 1;
      for (int m = first; m < next; ++m) {
        order.forwards.push_back({chunk * shape.ranks + rank, Op::forward, m});
        order.backwards.push_back({(last_chunk - chunk) * shape.ranks + rank, Op::backward, m});
      }
    }
    first = next;
  }
  return order;
}

}  // namespace spillway::pipeline
