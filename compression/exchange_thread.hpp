#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <mutex>
#include <thread>

#include "parallel/comm/work.hpp"

namespace spillway::compression {

/// A thread that runs exchanges beside the caller, in the order submitted. What a job throws is
/// thrown by wait() of its Work.
class ExchangeThread {
 public:
  ExchangeThread();
  ExchangeThread(const ExchangeThread&) = delete;
  ExchangeThread& operator=(const ExchangeThread&) = delete;
  /// Runs what is queued, then ends.
  ~ExchangeThread();

  comm::Work submit(std::function<void()> job);

 private:
  void loop();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::packaged_task<void()>> jobs_;
  bool ending_ = false;
  std::thread thread_;  // last: starts when the rest is there
};

}  // namespace spillway::compression
