#include "trainer/commands/progress_line.hpp"

#include <unistd.h>

#include <iostream>

namespace spillway::trainer {

using namespace std::chrono_literals;

ProgressLine::ProgressLine()
    : terminal_(::isatty(STDERR_FILENO) == 1),
      next_(std::chrono::steady_clock::now() + (terminal_ ? 0s : 10s)) {}

void ProgressLine::show(const std::string& text) {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  if (terminal_) {
    std::cerr << "\r\x1b[K" << text << std::flush;
    next_ = now + 100ms;
    drawn_ = true;
  } else {
    std::cerr << text + "\n";
    next_ = now + 10s;
  }
}

void ProgressLine::clear() {
  if (drawn_) std::cerr << "\r\x1b[K" << std::flush;
  drawn_ = false;
}

}  // namespace spillway::trainer
