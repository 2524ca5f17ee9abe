#include "trainer/observe/console.hpp"

#include <unistd.h>

#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string_view>

namespace spillway::trainer {
namespace {

constexpr std::size_t kPaceMarks = 50;
constexpr int kBarWidth = 30;
constexpr const char* kEraseLine = "\r\033[K";

__attribute__((format(printf, 1, 2))) std::string text(const char* format, ...) {
  char buffer[128];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(buffer, sizeof buffer, format, arguments);
  va_end(arguments);
  return buffer;
}

/// 12345 -> "12.3k"
std::string short_number(double value) {
  const double size = std::abs(value);
  if (size >= 1e9) return text("%.2fG", value / 1e9);
  if (size >= 1e6) return text("%.2fM", value / 1e6);
  if (size >= 1e4) return text("%.1fk", value / 1e3);
  return text("%.0f", value);
}

std::string short_time(double seconds) {
  if (seconds >= 1) return text("%.2f s", seconds);
  return text("%.1f ms", seconds * 1e3);
}

}  // namespace

std::string step_line(const StepMetrics& metrics) {
  std::string line = "step " + std::to_string(metrics.step());
  const auto add = [&](const char* label, const char* name, auto&& print) {
    if (const auto value = metrics.find(name)) line += std::string("  ") + label + print(*value);
  };
  const auto percent = [](double value) { return text("%.1f %%", value); };
  add("loss ", metric::kLoss, [](double value) { return text("%.4f", value); });
  add("validation ", metric::kValidationLoss, [](double value) { return text("%.4f", value); });
  add("tokens/s ", metric::kTokensPerSecond, short_number);
  add("mfu ", metric::kMfu, percent);
  add("grad norm ", metric::kGradNorm, [](double value) { return text("%.3g", value); });
  add("bubble ", metric::kBubble, percent);
  add("compression ", metric::kCompressionRatio, [](double value) { return text("%.1fx", value); });
  add("data wait ", metric::kDataSeconds, short_time);
  if (metrics.find(metric::kSkipped).value_or(0) > 0) line += "  SKIPPED";
  return line;
}

std::string duration_text(double seconds) {
  const long long whole = std::llround(std::max(seconds, 0.0));
  const long long days = whole / 86400, hours = whole / 3600 % 24;
  const long long minutes = whole / 60 % 60, rest = whole % 60;
  if (days > 0) return text("%lld d %02lld:%02lld:%02lld", days, hours, minutes, rest);
  return text("%lld:%02lld:%02lld", hours, minutes, rest);
}

bool is_terminal() {
  const char* kind = std::getenv("TERM");
  if (::isatty(STDOUT_FILENO) != 1 || !kind || std::string_view(kind) == "dumb") return false;
  if (!std::getenv("OMPI_COMM_WORLD_SIZE")) return true;
  // mpirun gives every rank a pseudo-terminal, whatever its own output is: look at where the parent
  // writes.
  std::error_code error;
  const auto target =
      std::filesystem::read_symlink("/proc/" + std::to_string(::getppid()) + "/fd/1", error);
  return !error &&
         (target.string().starts_with("/dev/pts/") || target.string().starts_with("/dev/tty"));
}

Console::~Console() { finish(); }

void Console::line(const std::string& content) {
  if (shown_) out_ << kEraseLine;
  out_ << content << "\n";
  if (shown_) out_ << progress_text();
  out_.flush();
}

void Console::progress(std::int64_t done, std::int64_t total, Clock::time_point now) {
  total_ = total;
  marks_.push_back({done, now});
  if (marks_.size() > kPaceMarks) marks_.pop_front();
  if (!terminal_) return;
  out_ << (shown_ ? kEraseLine : "") << progress_text();
  out_.flush();
  shown_ = true;
}

void Console::finish() {
  if (shown_) out_ << kEraseLine;
  out_.flush();
  shown_ = false;
}

std::optional<double> Console::seconds_left() const {
  if (marks_.size() < 2) return std::nullopt;
  const std::int64_t units = marks_.back().done - marks_.front().done;
  if (units <= 0) return std::nullopt;
  const double seconds =
      std::chrono::duration<double>(marks_.back().when - marks_.front().when).count();
  return seconds / static_cast<double>(units) * static_cast<double>(total_ - marks_.back().done);
}

std::string Console::progress_text() const {
  const std::int64_t done = marks_.empty() ? 0 : marks_.back().done;
  const double share = total_ > 0 ? static_cast<double>(done) / static_cast<double>(total_) : 1;
  const auto filled = static_cast<std::size_t>(std::lround(share * kBarWidth));
  std::string bar(std::min<std::size_t>(filled, kBarWidth), '#');
  bar.resize(kBarWidth, '.');
  const auto left = seconds_left();
  return "[" + bar + "] " + std::to_string(done) + "/" + std::to_string(total_) +
         text("  %.0f %%", share * 100) + (left ? "  left " + duration_text(*left) : "");
}

}  // namespace spillway::trainer
