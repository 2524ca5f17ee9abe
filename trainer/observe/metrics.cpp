#include "trainer/observe/metrics.hpp"

namespace spillway::trainer {

std::optional<double> StepMetrics::find(std::string_view name) const {
  for (const auto& [known, value] : values_) {
    if (known == name) return value;
  }
  return std::nullopt;
}

void MetricsFile::write(const StepMetrics& metrics, double unix_seconds) {
  nlohmann::ordered_json line{{"step", metrics.step()}, {"time", unix_seconds}};
  for (const auto& [name, value] : metrics.values()) line[name] = value;
  lines_.append(line);
}

}  // namespace spillway::trainer
