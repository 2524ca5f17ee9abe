#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trainer/observe/json_lines.hpp"

namespace spillway::trainer {

/// Names of what a step is measured by: torchtitan's where it has one, with its units in brackets.
/// A part of the step's time is called "time_metrics/PART(s)": readers stack all of them. A share
/// of the samples is called "data/mix/CATEGORY".
namespace metric {
inline constexpr const char* kLoss = "loss_metrics/global_avg_loss";
inline constexpr const char* kValidationLoss = "validation_metrics/global_avg_loss";
inline constexpr const char* kGradNorm = "grad_norm";
inline constexpr const char* kLearningRate = "lr";
inline constexpr const char* kTokensSeen = "n_tokens_seen";
inline constexpr const char* kTokensPerSecond = "throughput/total(tps)";  ///< of all ranks
inline constexpr const char* kTokensPerRankSecond =
    "throughput(tps)";                            ///< torchtitan's: one device
inline constexpr const char* kTflops = "tflops";  ///< of one rank
inline constexpr const char* kMfu = "mfu(%)";
inline constexpr const char* kStepSeconds = "time_metrics/end_to_end(s)";
inline constexpr const char* kDataSeconds = "time_metrics/data_loading(s)";
inline constexpr const char* kComputeSeconds = "time_metrics/compute(s)";
inline constexpr const char* kBubbleSeconds = "time_metrics/bubble(s)";
inline constexpr const char* kExchangeSeconds = "time_metrics/exchange_wait(s)";
inline constexpr const char* kOptimizerSeconds = "time_metrics/optimizer(s)";
inline constexpr const char* kEvaluationSeconds = "time_metrics/evaluation(s)";
inline constexpr const char* kCheckpointSeconds = "time_metrics/checkpoint(s)";
inline constexpr const char* kBubble = "pipeline/bubble(%)";
inline constexpr const char* kPredictedBubble = "pipeline/predicted_bubble(%)";
inline constexpr const char* kMakespan = "pipeline/makespan(s)";
inline constexpr const char* kPredictedMakespan = "pipeline/predicted_makespan(s)";
inline constexpr const char* kPipelineBytes = "pipeline/bytes";
inline constexpr const char* kPeakActivations = "pipeline/peak_activations";
inline constexpr const char* kDenseBytes = "compress/dense_bytes";
inline constexpr const char* kSentBytes = "compress/sent_bytes";
inline constexpr const char* kWireBytes = "compress/wire_bytes";  ///< that leave all ranks
inline constexpr const char* kRankPrefix = "compress/rank/";
inline constexpr const char* kCompressionRatio = "compress/ratio";
inline constexpr const char* kCompressionError = "compress/error_norm";
inline constexpr const char* kCompressSeconds = "compress/compress(s)";
inline constexpr const char* kDecompressSeconds = "compress/decompress(s)";
inline constexpr const char* kWireSeconds = "comm/exchange(s)";
inline constexpr const char* kSkipped = "numerics/skipped";  ///< 1: the update was skipped
inline constexpr const char* kMutated = "data/mutated(%)";
inline constexpr const char* kMixPrefix = "data/mix/";
}  // namespace metric

/// The numbers of one step, in the order they were set.
class StepMetrics {
 public:
  explicit StepMetrics(std::int64_t step) : step_(step) {}
  void set(std::string name, double value) { values_.emplace_back(std::move(name), value); }
  std::int64_t step() const { return step_; }
  const std::vector<std::pair<std::string, double>>& values() const { return values_; }
  std::optional<double> find(std::string_view name) const;

 private:
  std::int64_t step_;
  std::vector<std::pair<std::string, double>> values_;
};

/// RUN/metrics.jsonl: one object a step, {"step": 12, "time": seconds since 1970, NAME: number,
/// ...}. A resumed run appends. Readers keep to one rule: a line cancels every earlier line of the
/// same or a later step, so what a killed run did beyond its last checkpoint stays in the file and
/// out of the curves.
class MetricsFile {
 public:
  explicit MetricsFile(const std::filesystem::path& run_dir) : lines_(run_dir / "metrics.jsonl") {}
  void write(const StepMetrics& metrics, double unix_seconds);

 private:
  JsonLines lines_;
};

}  // namespace spillway::trainer
