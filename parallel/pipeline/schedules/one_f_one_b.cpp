#include "parallel/pipeline/schedules/one_f_one_b.hpp"

#include "parallel/pipeline/schedules/in_turn.hpp"
#include "parallel/pipeline/schedules/loop_order.hpp"

namespace spillway::pipeline {

Schedule one_f_one_b(int ranks, int microbatches) {
  Schedule schedule;
  for (int rank = 0; rank < ranks; ++rank) {
    const LoopOrder order = loop_order(rank, {.ranks = ranks, .microbatches = microbatches});
    schedule.ranks.push_back(in_turn(order.forwards, order.backwards, ranks - 1 - rank));
  }
  return schedule;
}

}  // namespace spillway::pipeline
