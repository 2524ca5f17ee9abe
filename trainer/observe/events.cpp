#include "trainer/observe/events.hpp"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <ctime>

namespace spillway::trainer {

const char* to_string(Level level) {
  switch (level) {
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::fault:
      return "fault";
  }
  return "";
}

double unix_seconds() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

std::string utc_text(double seconds) {
  const auto milliseconds = std::llround(seconds * 1000);
  const std::time_t whole = milliseconds / 1000;
  std::tm parts{};
  gmtime_r(&whole, &parts);
  char text[40];
  const std::size_t length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + length, sizeof text - length, ".%03lldZ", milliseconds % 1000);
  return text;
}

void EventsFile::write(const Event& event, double seconds) {
  nlohmann::ordered_json line{
      {"time", seconds},     {"utc", utc_text(seconds)},        {"step", event.step},
      {"event", event.name}, {"level", to_string(event.level)}, {"message", event.message}};
  line.update(event.fields);
  lines_.append(line);
}

}  // namespace spillway::trainer
