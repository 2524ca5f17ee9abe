#include "parallel/pipeline/schedules/zb_h1.hpp"

#include "parallel/pipeline/schedules/in_turn.hpp"
#include "parallel/pipeline/schedules/one_f_one_b.hpp"

namespace spillway::pipeline {

Schedule zb_h1(int ranks, int microbatches) {
  Schedule schedule = one_f_one_b(ranks, microbatches);
  int delay = 0;
  for (auto& actions : schedule.ranks) actions = split_backwards(actions, delay++);
  return schedule;
}

}  // namespace spillway::pipeline
