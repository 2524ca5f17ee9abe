#include "parallel/pipeline/schedules/interleaved_zb.hpp"

#include "parallel/pipeline/schedules/in_turn.hpp"
#include "parallel/pipeline/schedules/loop_order.hpp"

namespace spillway::pipeline {

Schedule interleaved_zb(const ScheduleShape& shape) {
  Schedule schedule;
  for (int rank = 0; rank < shape.ranks; ++rank) {
    const LoopOrder order = loop_order(rank, shape);
    const int warmup = (shape.chunks - 1) * order.round + shape.ranks - 1 - rank;
    schedule.ranks.push_back(
        split_backwards(in_turn(order.forwards, order.backwards, warmup), rank));
  }
  return schedule;
}

}  // namespace spillway::pipeline
