#include "parallel/pipeline/schedules/v_min.hpp"

#include "parallel/pipeline/schedules/v_block.hpp"

namespace spillway::pipeline {

Schedule v_min(int ranks, int microbatches) {
  return repeat_v_block(ranks, microbatches, VOffsets{}, (ranks + 4) / 3);
}

}  // namespace spillway::pipeline
