#include "trainer/saturation.hpp"

#include <numeric>

namespace spillway::trainer {

Saturation summarize(const std::vector<StepResult>& window, std::int64_t warmup_steps) {
  Saturation result;
  result.warmup_steps = warmup_steps;
  result.steps = static_cast<std::int64_t>(window.size());
  std::vector<double> tokens, seconds, spans(window.front().reports.size(), 0.0);
  result.idle_share.assign(spans.size(), 0.0);
  for (const StepResult& step : window) {
    tokens.push_back(static_cast<double>(step.target_tokens));
    seconds.push_back(step.seconds);
    result.skipped += step.verdict.keep() ? 0 : 1;
    for (std::size_t rank = 0; rank < spans.size(); ++rank) {
      const RankReport& report = step.reports[rank];
      spans[rank] += report.pipeline_seconds;
      result.idle_share[rank] += report.pipeline_seconds - report.busy_seconds;
    }
  }
  for (std::size_t rank = 0; rank < spans.size(); ++rank) result.idle_share[rank] /= spans[rank];
  result.tokens_per_second = std::accumulate(tokens.begin(), tokens.end(), 0.0) /
                             std::accumulate(seconds.begin(), seconds.end(), 0.0);
  result.tokens_per_second_95 = throughput_interval(tokens, seconds);
  result.step_p50 = percentile(seconds, 0.5);
  result.step_p90 = percentile(seconds, 0.9);
  result.step_p99 = percentile(seconds, 0.99);
  return result;
}

nlohmann::ordered_json to_json(const Saturation& saturation) {
  nlohmann::ordered_json json;
  json["warmup_steps"] = saturation.warmup_steps;
  json["steps"] = saturation.steps;
  json["skipped"] = saturation.skipped;
  json["tokens_per_second"] = saturation.tokens_per_second;
  json["tokens_per_second_95"] = {saturation.tokens_per_second_95.low,
                                  saturation.tokens_per_second_95.high};
  json["step_ms"] = {{"p50", 1e3 * saturation.step_p50},
                     {"p90", 1e3 * saturation.step_p90},
                     {"p99", 1e3 * saturation.step_p99}};
  json["idle_share"] = saturation.idle_share;
  return json;
}

}  // namespace spillway::trainer
