#include "trainer/commands/compress_sweep_result.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace spillway::trainer {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

std::size_t window(std::size_t steps) { return std::max<std::size_t>(1, steps / 10); }

/// Mean of the `width` values that end with values[last].
double trailing_mean(const std::vector<double>& values, std::size_t last, std::size_t width) {
  const auto end = values.begin() + static_cast<std::ptrdiff_t>(last) + 1;
  return std::accumulate(end - static_cast<std::ptrdiff_t>(width), end, 0.0) /
         static_cast<double>(width);
}

std::array<double, 3> goals(const CellResult& result) {
  return {result.payload_bytes, result.step_seconds, result.final_loss()};
}

bool dominates(const std::array<double, 3>& a, const std::array<double, 3>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), [](double x, double y) { return x <= y; }) &&
         a != b;
}

}  // namespace

double CellResult::final_loss() const {
  return loss.empty() ? 0 : trailing_mean(loss, loss.size() - 1, window(loss.size()));
}

std::optional<double> CellResult::seconds_to(double target) const {
  const std::size_t width = window(loss.size());
  for (std::size_t step = width; step <= loss.size(); ++step) {
    if (trailing_mean(loss, step - 1, width) <= target) return elapsed[step - 1];
  }
  return std::nullopt;
}

double CellResult::mean_error(double GradientError::*what) const {
  double sum = 0;
  for (const GradientError& error : errors) sum += error.*what;
  return errors.empty() ? 0 : sum / static_cast<double>(errors.size());
}

nlohmann::ordered_json to_json(const CellResult& result) {
  nlohmann::ordered_json settings = nlohmann::ordered_json::object(),
                         errors = nlohmann::ordered_json::array();
  for (const auto& [name, value] : result.settings) settings[name] = value;
  for (const GradientError& error : result.errors) {
    errors.push_back(
        {{"step", error.step}, {"relative_l2", error.relative_l2}, {"cosine", error.cosine}});
  }
  return {{"name", result.name},
          {"settings", settings},
          {"step_seconds", result.step_seconds},
          {"compress_seconds", result.compress_seconds},
          {"wire_seconds", result.wire_seconds},
          {"decompress_seconds", result.decompress_seconds},
          {"exposed_seconds", result.exposed_seconds},
          {"payload_bytes", result.payload_bytes},
          {"wire_bytes", result.wire_bytes},
          {"reported_bytes", result.reported_bytes},
          {"dense_bytes", result.dense_bytes},
          {"tokens_per_second", result.tokens_per_second},
          {"error_norm", result.error_norm},
          {"skipped", result.skipped},
          {"loss", result.loss},
          {"elapsed_seconds", result.elapsed},
          {"errors", errors}};
}

CellResult result_from_json(const nlohmann::ordered_json& json) {
  CellResult result;
  json.at("name").get_to(result.name);
  for (const auto& [name, value] : json.at("settings").items())
    result.settings.emplace_back(name, value.get<std::string>());
  json.at("step_seconds").get_to(result.step_seconds);
  json.at("compress_seconds").get_to(result.compress_seconds);
  json.at("wire_seconds").get_to(result.wire_seconds);
  json.at("decompress_seconds").get_to(result.decompress_seconds);
  json.at("exposed_seconds").get_to(result.exposed_seconds);
  json.at("payload_bytes").get_to(result.payload_bytes);
  json.at("wire_bytes").get_to(result.wire_bytes);
  json.at("reported_bytes").get_to(result.reported_bytes);
  json.at("dense_bytes").get_to(result.dense_bytes);
  json.at("tokens_per_second").get_to(result.tokens_per_second);
  json.at("error_norm").get_to(result.error_norm);
  json.at("skipped").get_to(result.skipped);
  for (const auto& loss : json.at("loss"))  // JSON has no NaN
    result.loss.push_back(loss.is_null() ? kNotANumber : loss.get<double>());
  json.at("elapsed_seconds").get_to(result.elapsed);
  for (const auto& error : json.at("errors")) {
    result.errors.push_back({error.at("step").get<std::int64_t>(),
                             error.at("relative_l2").get<double>(),
                             error.at("cosine").get<double>()});
  }
  return result;
}

double default_target(const std::vector<CellResult>& results) {
  double worst = 0;
  for (const CellResult& result : results) {
    if (result.name == "none" || result.name == "bf16")
      worst = std::max(worst, result.final_loss());
  }
  return worst;
}

std::vector<bool> pareto_front(const std::vector<CellResult>& results) {
  std::vector<bool> front;
  front.reserve(results.size());
  for (const CellResult& one : results) {
    front.push_back(std::isfinite(one.final_loss()) &&
                    std::none_of(results.begin(), results.end(), [&](const CellResult& other) {
                      return dominates(goals(other), goals(one));
                    }));
  }
  return front;
}

}  // namespace spillway::trainer
