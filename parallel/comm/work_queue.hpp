#pragma once

#include <functional>
#include <memory>
#include <string>

#include "parallel/comm/work.hpp"

namespace spillway::comm {

/// Runs jobs one at a time in the order they were pushed, on a thread of its own. A thread that
/// waits for a job runs it, and those before it, itself when the queue's thread has not begun; for
/// a job waited for on the spot (see Issued) the queue's thread is neither started nor woken. After
/// a job threw, later ones are not run: their wait() throws and names the first failure (ranks are
/// out of step by then). The destructor finishes what is queued and joins. While an exception
/// unwinds it abandons the thread instead, which may sit in a call that never returns: the job in
/// progress keeps what it captured, the others fail, and the program is expected to end.
class WorkQueue {
 public:
  using Job = std::function<void()>;
  /// Told the seconds the job ran, before its Work is done; not called once the queue is abandoned.
  using Report = std::function<void(double seconds)>;

  /// `name` is the thread's, as a debugger shows it (at most 15 characters).
  explicit WorkQueue(std::string name);
  WorkQueue(const WorkQueue&) = delete;
  WorkQueue& operator=(const WorkQueue&) = delete;
  ~WorkQueue();

  Issued push(Job job, Report report);

 private:
  class Thread;
  class QueuedWork;
  std::shared_ptr<Thread> thread_;
};

}  // namespace spillway::comm
