#include "parallel/pipeline/watchdog.hpp"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <utility>

namespace spillway::pipeline {
namespace {

/// Seconds. mpirun, when a rank has died, asks the others to end a quarter of a second before it
/// kills them.
constexpr double kLongestLook = 0.05;
/// A message that is late by this much is not just on its way.
constexpr double kWaitsForOthers = 0.1;

}  // namespace

std::string describe(const Overdue& overdue, int rank) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, overdue.seconds < 10 ? "%.1f s" : "%.0f s",
                overdue.seconds);
  const std::string who = "rank " + std::to_string(rank);
  return overdue.standing.kind == ActionLog::Kind::waits
             ? who + " waits " + seconds + " for " + overdue.standing.what
             : who + " has been at " + overdue.standing.what + " for " + seconds;
}

Watchdog::Watchdog(const ActionLog& log, Options options)
    : log_(log), options_(std::move(options)) {
  if (options_.deadline_seconds > 0) thread_ = std::thread([this] { watch(); });
}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  ended_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Watchdog::watch() {
  pthread_setname_np(pthread_self(), "watchdog");
  using Clock = std::chrono::steady_clock;
  const double deadline = options_.deadline_seconds;
  const double look = std::clamp(deadline / 20, 0.005, kLongestLook);
  Overdue now;
  bool asked = false;
  auto last = Clock::now();
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, std::chrono::duration<double>(look), [this] { return ending_; })) {
    const double passed = std::chrono::duration<double>(Clock::now() - last).count();
    last = Clock::now();
    ActionLog::Standing standing = log_.standing();
    const bool stands = standing.number == now.standing.number;
    now.seconds = stands ? now.seconds + std::min(passed, 2 * look) : 0;
    now.standing = std::move(standing);
    if (!asked && options_.asked_to_end()) {
      asked = true;
      const bool waits = now.standing.kind == ActionLog::Kind::waits;
      if (waits && now.seconds >= kWaitsForOthers) options_.on_asked(now);
    }
    if (now.standing.kind == ActionLog::Kind::rests || now.seconds < deadline) continue;
    lock.unlock();
    return options_.on_overdue(now);
  }
}

}  // namespace spillway::pipeline
