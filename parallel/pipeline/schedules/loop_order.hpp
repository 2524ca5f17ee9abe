#pragma once

#include <vector>

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// In which order a rank of a loop (stage c p + r is chunk c of rank r) works through its chunks.
///
/// The micro-batches go in rounds: all of a round through chunk 0, then chunk 1, ..., then the next
/// round; backwards from the last chunk to chunk 0. A round must not have fewer micro-batches than
/// there are ranks, or chunk 1 of its first micro-batch would be late on rank 0. So there are m / p
/// rounds (rounded down, at least one); the remainder is spread over them, one more micro-batch for
/// each of the first rounds.
struct LoopOrder {
  std::vector<Action> forwards;
  std::vector<Action> backwards;  ///< whole ones
  int round = 0;                  ///< micro-batches of the first round, the largest
};
LoopOrder loop_order(int rank, const ScheduleShape& shape);

}  // namespace spillway::pipeline
