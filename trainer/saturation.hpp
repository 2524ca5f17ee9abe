#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "trainer/step_statistics.hpp"
#include "trainer/trainer.hpp"

namespace spillway::trainer {

/// What a closed-loop saturation run sustained: the next step starts as soon as the last one is
/// done, so this is the most that the configuration can take. Tokens are target tokens, without
/// padding.
struct Saturation {
  std::int64_t warmup_steps = 0;
  std::int64_t steps = 0;
  double tokens_per_second = 0;
  Interval tokens_per_second_95;
  double step_p50 = 0, step_p90 = 0, step_p99 = 0;  ///< seconds
  std::vector<double> idle_share;                   ///< by rank: of the pipeline's span
  std::int64_t skipped = 0;                         ///< non-finite steps in the window
};

/// From the steps of the measured window. At least one.
Saturation summarize(const std::vector<StepResult>& window, std::int64_t warmup_steps);

nlohmann::ordered_json to_json(const Saturation& saturation);

}  // namespace spillway::trainer
