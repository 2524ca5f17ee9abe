#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "trainer/observe/json_lines.hpp"

namespace spillway::trainer {

enum class Level : std::uint8_t { info, warning, fault };
const char* to_string(Level level);

/// Something that happened once. Names in use: start, resume, stop, finish, checkpoint_saved,
/// checkpoint_failed, checkpoint_passed_over, step_skipped, metrics_lost; a command may add its
/// own.
struct Event {
  std::string name;
  std::int64_t step = 0;  ///< steps done when it happened
  std::string message;    ///< one line for people
  Level level = Level::info;
  nlohmann::ordered_json fields = nlohmann::ordered_json::object();  ///< more, for programs
};

/// Seconds since 1970, and the same as text in UTC: "2025-01-31T12:34:56.789Z".
double unix_seconds();
std::string utc_text(double unix_seconds);

/// RUN/events.jsonl: {"time", "utc", "step", "event", "level", "message", fields...}; only ever
/// grows.
class EventsFile {
 public:
  explicit EventsFile(const std::filesystem::path& run_dir) : lines_(run_dir / "events.jsonl") {}
  void write(const Event& event, double unix_seconds);

 private:
  JsonLines lines_;
};

}  // namespace spillway::trainer
