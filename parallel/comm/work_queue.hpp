#pragma once

#include <chrono>
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
/// unwinds, peers may never come and what a job uses is about to be freed: jobs that have not begun
/// fail, and the one under way either ends before the destructor does, or is left in a PeerWait,
/// out of which it never comes. The program is expected to end then.
class WorkQueue {
 public:
  using Job = std::function<void()>;
  /// Told the seconds the job ran, before its Work is done; not called once the queue is abandoned.
  using Report = std::function<void(double seconds)>;

  /// Lives while the job that this thread runs waits for other ranks, inside code that owns all it
  /// needs, as wait() of another queue's Work is of itself. Where an exception has destroyed the
  /// job's queue, the constructor throws Error(fault) and the destructor does not return: behind it
  /// is memory that is gone. Does nothing on a thread that runs no job.
  class PeerWait;

  /// For a job that polls for what nobody may need yet: sleeps for `longest`, or until a thread
  /// waits for a job of its queue; of the outermost queue where this thread runs jobs inside jobs.
  /// True if one does, at once where one did; and on a thread that runs no job, whose caller waits.
  static bool rest(std::chrono::nanoseconds longest);

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

class WorkQueue::PeerWait {
 public:
  PeerWait();
  PeerWait(const PeerWait&) = delete;
  PeerWait& operator=(const PeerWait&) = delete;
  ~PeerWait();

 private:
  std::shared_ptr<Thread> thread_;
};

}  // namespace spillway::comm
