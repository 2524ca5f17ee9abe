#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace spillway::trainer {

/// The distance of exchanged gradients to the exact mean over replicas, in one step, over all
/// parameters of the model.
struct GradientError {
  std::int64_t step = 0;
  double relative_l2 = 0;
  double cosine = 1;
};

/// What one cell of a sweep came to. Times are medians over the timed steps: those behind the
/// warm-up and every start_step, without an exact mean taken; each step's are of the rank that took
/// longest. Bytes are means over the timed steps.
struct CellResult {
  std::string name;
  std::vector<std::pair<std::string, std::string>> settings = {};  ///< of [compression], as in TOML
  double step_seconds = 0, compress_seconds = 0, wire_seconds = 0, decompress_seconds = 0;
  double exposed_seconds = 0;  ///< waiting for gradients after the last pipeline action
  double payload_bytes = 0;    ///< given to the communicators by one replica, counted by them
  double wire_bytes = 0;       ///< of those, sent to other replicas under a ring
  double reported_bytes = 0;   ///< what the exchange itself says of payload_bytes
  double dense_bytes = 0;      ///< of the gradients as float32
  double tokens_per_second = 0;
  double error_norm = 0;  ///< of what all replicas keep back after the last step
  std::int64_t skipped = 0;
  std::vector<double> loss = {};     ///< of each step
  std::vector<double> elapsed = {};  ///< seconds from the start to the end of each step
  std::vector<GradientError> errors = {};

  /// Mean over the last tenth of the steps, at least one.
  double final_loss() const;
  /// Seconds until the mean loss over the last tenth of the steps is at most `target`; nothing if
  /// it never was.
  std::optional<double> seconds_to(double target) const;
  double mean_error(double GradientError::*what) const;
};

nlohmann::ordered_json to_json(const CellResult& result);
/// Throws nlohmann::json::exception for another form.
CellResult result_from_json(const nlohmann::ordered_json& json);

/// The loss that times are compared at where none is asked for: the worst final loss of the
/// methods that send everything, which are the cells none and bf16.
double default_target(const std::vector<CellResult>& results);

/// Whether no other cell is at least as good in payload bytes, step time and final loss, and better
/// in one.
std::vector<bool> pareto_front(const std::vector<CellResult>& results);

}  // namespace spillway::trainer
