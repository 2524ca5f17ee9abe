#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "trainer/observe/console.hpp"
#include "trainer/observe/events.hpp"
#include "trainer/observe/metrics.hpp"
#include "trainer/observe/tensorboard.hpp"
#include "trainer/observe/trace.hpp"

namespace spillway::trainer {

/// Where a recorder writes and how much it shows.
struct RecorderOptions {
  std::filesystem::path run_dir;
  std::int64_t first_step = 0;   ///< steps done before this start
  std::int64_t total_steps = 0;  ///< of the run
  std::int64_t log_every = 1;    ///< steps between console lines
  bool terminal = false;         ///< see is_terminal()
};

/// Everything one rank writes about a run while it goes: metrics.jsonl, events.jsonl, tb/, traces/
/// and the console. Made on rank 0 only. A sink that cannot be written (a full disk) does not stop
/// the run: it is named once, later lines are tried again and the lost ones are counted.
class Recorder {
 public:
  /// Throws Error(fault) when the run folder cannot be written at all.
  Recorder(const RecorderOptions& options, std::ostream& out);

  void step(const StepMetrics& metrics);
  /// Warnings and faults also go to the console.
  void event(const Event& event);
  void trace(std::int64_t step, const std::vector<Span>& spans);
  /// A line for the console only.
  void say(const std::string& line) { console_.line(line); }
  /// Removes the progress line.
  void finish() { console_.finish(); }

  std::int64_t lost_writes() const { return lost_writes_; }

 private:
  template <class Action>
  void attempt(Action&& action);

  RecorderOptions options_;
  Console console_;
  MetricsFile metrics_;
  EventsFile events_;
  TensorBoardFile tensorboard_;
  std::int64_t lost_writes_ = 0;
  bool losing_ = false;
};

}  // namespace spillway::trainer
