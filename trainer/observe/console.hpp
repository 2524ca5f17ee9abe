#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <iosfwd>
#include <optional>
#include <string>

#include "trainer/observe/metrics.hpp"

namespace spillway::trainer {

/// A step in one line: "step 12  loss 4.3210  tokens/s 12.3k  mfu 31.2 %  ..."; only what was
/// measured.
std::string step_line(const StepMetrics& metrics);

/// Seconds as "0:03:21", from a day on as "2 d 03:21:00".
std::string duration_text(double seconds);

/// Whether standard output is a terminal that can rewrite a line.
bool is_terminal();

/// What the user sees of a long piece of work, from one rank: lines, and on a terminal a last line
/// with the progress and the time left, rewritten in place.
class Console {
 public:
  using Clock = std::chrono::steady_clock;

  Console(std::ostream& out, bool terminal) : out_(out), terminal_(terminal) {}
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;
  ~Console();

  void line(const std::string& text);
  /// `done` of `total` units of work are done. Time left follows from the pace of the last 50
  /// calls, so pauses long ago do not count.
  void progress(std::int64_t done, std::int64_t total, Clock::time_point now = Clock::now());
  /// Removes the progress line.
  void finish();

  /// From the calls of progress() so far; nothing before there are two.
  std::optional<double> seconds_left() const;

 private:
  struct Mark {
    std::int64_t done;
    Clock::time_point when;
  };
  std::string progress_text() const;

  std::ostream& out_;
  bool terminal_;
  bool shown_ = false;  ///< whether the last line on the terminal is the progress
  std::int64_t total_ = 0;
  std::deque<Mark> marks_;
};

}  // namespace spillway::trainer
