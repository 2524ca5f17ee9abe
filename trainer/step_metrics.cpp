#include "trainer/step_metrics.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "data/corpus/sample.hpp"

namespace spillway::trainer {
namespace {

double idle_seconds(const RankReport& rank) { return rank.pipeline_seconds - rank.busy_seconds; }

void add_rates(StepMetrics& metrics, const StepResult& result, const RunRates& rates) {
  const double tokens_per_second = static_cast<double>(result.target_tokens) / result.seconds;
  const double flops = tokens_per_second * rates.training_flops_per_token / rates.world;
  metrics.set(metric::kTokensPerSecond, tokens_per_second);
  metrics.set(metric::kTokensPerRankSecond, tokens_per_second / rates.world);
  metrics.set(metric::kTflops, flops / 1e12);
  metrics.set(metric::kMfu, 100 * flops / rates.peak_flops);
}

void add_times(StepMetrics& metrics, const StepResult& result) {
  const RankReport& mine = result.reports.front();
  metrics.set(metric::kStepSeconds, result.seconds);
  metrics.set(metric::kDataSeconds, mine.data_wait_seconds);
  metrics.set(metric::kComputeSeconds, mine.busy_seconds);
  metrics.set(metric::kBubbleSeconds, idle_seconds(mine));
  metrics.set(metric::kExchangeSeconds, mine.exchange_wait_seconds);
  metrics.set(metric::kOptimizerSeconds, result.update_seconds);
  metrics.set("data/wait_ms", 1e3 * largest(result.reports, &RankReport::data_wait_seconds));
}

void add_mix(StepMetrics& metrics, const data::CategoryCounts& counts) {
  const auto total =
      static_cast<double>(std::accumulate(counts.begin(), counts.end(), std::uint64_t{0}));
  if (total == 0) return;
  double mutated = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    const auto category = static_cast<data::Category>(i);
    if (counts[i] > 0)
      metrics.set(std::string(metric::kMixPrefix) + data::to_string(category),
                  static_cast<double>(counts[i]) / total);
    if (category != data::Category::text && category != data::Category::dialogue)
      mutated += static_cast<double>(counts[i]);
  }
  metrics.set(metric::kMutated, 100 * mutated / total);
}

void add_pipeline(StepMetrics& metrics, const StepResult& result,
                  const pipeline::StepReport& prediction) {
  double predicted_idle = 0;
  for (const pipeline::RankReport& rank : prediction.ranks)
    predicted_idle += rank.predicted.idle_seconds;
  const double predicted_spans =
      prediction.predicted_seconds * static_cast<double>(prediction.ranks.size());
  const double spans = sum(result.reports, &RankReport::pipeline_seconds);
  metrics.set(metric::kBubble, 100 * sum(result.reports, idle_seconds) / spans);
  metrics.set(metric::kPredictedBubble, 100 * predicted_idle / predicted_spans);
  metrics.set(metric::kMakespan, prediction.measured_seconds);
  metrics.set(metric::kPredictedMakespan, prediction.predicted_seconds);
  metrics.set(metric::kPipelineBytes, sum(result.reports, &RankReport::pipeline_bytes));
  metrics.set(metric::kPeakActivations, largest(result.reports, &RankReport::peak_activations));
  for (std::size_t rank = 0; rank < result.reports.size(); ++rank) {
    const std::string prefix = "pipeline/rank-" + std::to_string(rank) + "/";
    metrics.set(prefix + "busy(s)", result.reports[rank].busy_seconds);
    metrics.set(prefix + "idle(s)", idle_seconds(result.reports[rank]));
    metrics.set(prefix + "peak_activations", result.reports[rank].peak_activations);
    if (rank >= prediction.ranks.size()) continue;
    metrics.set(prefix + "predicted_idle(s)", prediction.ranks[rank].predicted.idle_seconds);
    metrics.set(prefix + "predicted_peak_activations",
                prediction.ranks[rank].predicted_peak_activations);
  }
}

void add_compression(StepMetrics& metrics, const std::vector<RankReport>& reports,
                     const std::vector<std::string>& parameters) {
  const double dense = sum(reports, &RankReport::dense_bytes);
  const double sent = sum(reports, &RankReport::sent_bytes);
  metrics.set(metric::kDenseBytes, dense);
  metrics.set(metric::kSentBytes, sent);
  metrics.set(metric::kWireBytes, sum(reports, &RankReport::wire_bytes));
  metrics.set(metric::kCompressionRatio, sent > 0 ? dense / sent : 1.0);
  metrics.set(metric::kCompressSeconds, largest(reports, &RankReport::compress_seconds));
  metrics.set(metric::kWireSeconds, largest(reports, &RankReport::wire_seconds));
  metrics.set(metric::kDecompressSeconds, largest(reports, &RankReport::decompress_seconds));
  metrics.set("compress/exposed(s)", largest(reports, &RankReport::exchange_wait_seconds));
  metrics.set(metric::kCompressionError, std::sqrt(sum(reports, &RankReport::error_squared_norm)));
  std::map<std::int64_t, std::int64_t> ranks;  // equal on all replicas
  for (const RankReport& report : reports) {
    for (const auto& [parameter, rank] : report.approximation_ranks) ranks[parameter] = rank;
  }
  for (const auto& [parameter, rank] : ranks) {
    metrics.set(metric::kRankPrefix + parameters[static_cast<std::size_t>(parameter)],
                static_cast<double>(rank));
  }
}

double max_rss_gib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / (1024.0 * 1024.0);
}

}  // namespace

StepMetrics step_metrics(const StepResult& result, const pipeline::StepReport& prediction,
                         const RunRates& rates, std::int64_t tokens_seen) {
  StepMetrics metrics(result.step);
  metrics.set(metric::kLoss, result.verdict.loss);
  metrics.set(metric::kGradNorm, result.verdict.gradient_norm);
  metrics.set(metric::kLearningRate, result.learning_rate);
  metrics.set(metric::kTokensSeen, static_cast<double>(tokens_seen));
  metrics.set(metric::kSkipped, result.verdict.keep() ? 0 : 1);
  add_rates(metrics, result, rates);
  add_times(metrics, result);
  add_mix(metrics, result.samples);
  add_pipeline(metrics, result, prediction);
  add_compression(metrics, result.reports, rates.parameters);
  metrics.set("memory/max_rss(GiB)", max_rss_gib());
  return metrics;
}

}  // namespace spillway::trainer
