#include "parallel/pipeline/schedules/v_half.hpp"

#include "parallel/pipeline/schedules/v_block.hpp"

namespace spillway::pipeline {

Schedule v_half(int ranks, int microbatches) {
  constexpr VOffsets kOffsets{
      .forward_down = 2, .forward_up = 1, .backward_down = 2, .backward_up = 1};
  return repeat_v_block(ranks, microbatches, kOffsets, (ranks + 2) / 2);
}

}  // namespace spillway::pipeline
