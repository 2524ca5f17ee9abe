#pragma once

#include <chrono>
#include <string>

namespace spillway::trainer {

/// One line on stderr about long work: rewritten in place on a terminal; elsewhere a plain line
/// every ten seconds.
class ProgressLine {
 public:
  ProgressLine();
  ~ProgressLine() { clear(); }
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  /// Shows `text` unless the last one is too recent (0.1 s on a terminal).
  void show(const std::string& text);
  /// Removes the line from a terminal.
  void clear();

 private:
  bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace spillway::trainer
