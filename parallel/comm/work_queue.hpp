#pragma once

#include <functional>
#include <memory>
#include <string>

#include "parallel/comm/work.hpp"

namespace spillway::comm {

/// One thread that runs jobs in the order they were pushed. The thread starts with the first job.
/// After a job threw, later ones are not run: their wait() throws and names the first failure
/// (ranks are out of step by then). The destructor finishes what is queued and joins. While an
/// exception unwinds it abandons the thread instead, which may sit in a call that never returns:
/// the job in progress keeps what it captured, the others are dropped, and the program is expected
/// to end.
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

  Work push(Job job, Report report);

 private:
  class Thread;
  std::shared_ptr<Thread> thread_;
};

}  // namespace spillway::comm
