#include "trainer/step_statistics.hpp"

#include <algorithm>
#include <cmath>
#include <random>

#include "configs/error.hpp"

namespace spillway::trainer {

double percentile(std::vector<double> values, double p) {
  if (values.empty()) fail("percentile of no values");
  std::sort(values.begin(), values.end());
  const double position = p * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  const std::size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (position - static_cast<double>(below)) * (values[above] - values[below]);
}

Interval throughput_interval(const std::vector<double>& step_tokens,
                             const std::vector<double>& step_seconds) {
  const std::size_t n = step_seconds.size();
  if (n == 0 || step_tokens.size() != n) fail("throughput of " + std::to_string(n) + " steps");
  const auto block = std::max<std::size_t>(
      1, static_cast<std::size_t>(std::lround(std::cbrt(static_cast<double>(n)))));
  std::mt19937_64 random(1);
  std::vector<double> resampled;
  for (int round = 0; round < 2000; ++round) {
    double tokens = 0, seconds = 0;
    for (std::size_t taken = 0; taken < n; taken += block) {
      const std::size_t start = random() % (n - block + 1);
      for (std::size_t i = start; i < start + block; ++i) {
        tokens += step_tokens[i];
        seconds += step_seconds[i];
      }
    }
    resampled.push_back(tokens / seconds);
  }
  return {percentile(resampled, 0.025), percentile(resampled, 0.975)};
}

}  // namespace spillway::trainer
