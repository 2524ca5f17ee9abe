#include "trainer/optimizer/learning_rate.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace spillway::trainer {

double learning_rate(const config::OptimizerConfig& optimizer, std::int64_t step,
                     std::int64_t run_steps) {
  const double peak = optimizer.learning_rate;
  if (step < optimizer.warmup_steps) {
    return peak * static_cast<double>(step + 1) / static_cast<double>(optimizer.warmup_steps);
  }
  const std::int64_t end = optimizer.decay_steps > 0 ? optimizer.decay_steps : run_steps;
  if (end <= optimizer.warmup_steps) return peak;
  const double progress = static_cast<double>(step - optimizer.warmup_steps) /
                          static_cast<double>(end - optimizer.warmup_steps);
  const double cosine = 0.5 * (1.0 + std::cos(std::numbers::pi * std::min(progress, 1.0)));
  const double final_share = optimizer.final_learning_rate;
  return peak * (final_share + (1.0 - final_share) * cosine);
}

}  // namespace spillway::trainer
