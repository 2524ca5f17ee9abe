#include "parallel/pipeline/schedules/zb_h2.hpp"

#include "parallel/pipeline/schedules/in_turn.hpp"
#include "parallel/pipeline/schedules/loop_order.hpp"

namespace spillway::pipeline {

Schedule zb_h2(int ranks, int microbatches) {
  Schedule schedule;
  for (int rank = 0; rank < ranks; ++rank) {
    const LoopOrder order = loop_order(rank, {.ranks = ranks, .microbatches = microbatches});
    const auto whole = in_turn(order.forwards, order.backwards, 2 * (ranks - 1 - rank));
    schedule.ranks.push_back(split_backwards(whole, 2 * rank));
  }
  return schedule;
}

}  // namespace spillway::pipeline
