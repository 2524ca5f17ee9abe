#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "parallel/pipeline/action_log.hpp"

namespace spillway::pipeline {

/// What a rank stands at, and for how long.
struct Overdue {
  ActionLog::Standing standing = {};
  double seconds = 0;
};
/// "rank 2 waits 41 s for 2RECV_F3 from rank 1"; "rank 1 has been at 1F3 for 41 s".
std::string describe(const Overdue& overdue, int rank);

/// Watches one rank, on a thread of its own. Time in which this process was itself stopped
/// (SIGSTOP, a suspended job) does not count, but for one look. The log must outlive the watchdog.
class Watchdog {
 public:
  using Report = std::function<void(const Overdue&)>;
  struct Options {
    double deadline_seconds = 0;  ///< 0: nothing is watched
    /// Called once, when the log has stood at one entry for the deadline.
    Report on_overdue = {};
    /// Where asked_to_end() comes true while the rank waits for others, they may be gone: on_asked
    /// is called, once.
    std::function<bool()> asked_to_end = [] { return false; };
    Report on_asked = {};
  };

  Watchdog(const ActionLog& log, Options options);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();

 private:
  void watch();

  const ActionLog& log_;
  Options options_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace spillway::pipeline
