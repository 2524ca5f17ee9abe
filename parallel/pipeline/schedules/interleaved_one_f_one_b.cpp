#include "parallel/pipeline/schedules/interleaved_one_f_one_b.hpp"

#include "parallel/pipeline/schedules/in_turn.hpp"
#include "parallel/pipeline/schedules/loop_order.hpp"

namespace spillway::pipeline {

Schedule interleaved_one_f_one_b(const ScheduleShape& shape) {
  Schedule schedule;
  for (int rank = 0; rank < shape.ranks; ++rank) {
    const LoopOrder order = loop_order(rank, shape);
    const int hops = shape.ranks - 1 - rank;
    const int warmup = (shape.chunks - 1) * order.round + (shape.chunks == 1 ? hops : 2 * hops);
    schedule.ranks.push_back(in_turn(order.forwards, order.backwards, warmup));
  }
  return schedule;
}

}  // namespace spillway::pipeline
