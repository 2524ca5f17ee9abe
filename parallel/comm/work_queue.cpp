#include "parallel/comm/work_queue.hpp"

#include <pthread.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

#include "configs/error.hpp"

namespace spillway::comm {
namespace {

std::exception_ptr not_run(const std::exception_ptr& first) {
  std::string reason;
  try {
    std::rethrow_exception(first);
  } catch (const std::exception& error) {
    reason = error.what();
  } catch (...) {
    reason = "unknown";
  }
  return std::make_exception_ptr(Error(
      ErrorKind::fault, "not run, because an earlier operation of this group failed: " + reason));
}

}  // namespace

/// The jobs and whoever runs them: the queue's thread, or a thread that waits for one of them.
class WorkQueue::Thread : public std::enable_shared_from_this<WorkQueue::Thread> {
 public:
  /// Whose job this thread runs; null: none.
  static Thread*& running_here() {
    thread_local Thread* running = nullptr;
    return running;
  }
  /// The same of the job inside which all others are that this thread runs: a job that waits for
  /// another queue's may run that itself.
  static Thread*& outermost_here() {
    thread_local Thread* outermost = nullptr;
    return outermost;
  }

  /// A job on its way; the fields below `report` are guarded by the queue's mutex.
  struct Item {
    Job job;
    Report report;
    bool done = false;
    std::exception_ptr failure;
  };

  explicit Thread(std::string name) : name_(std::move(name)) {}

  void push(std::shared_ptr<Item> item) {
    const std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
  }

  void start() {
    {
      const std::lock_guard lock(mutex_);
      if (!thread_.joinable() && !stopping_)
        thread_ = std::thread([self = shared_from_this()] { self->run(); });
    }
    runnable_.notify_one();
  }

  void join() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    runnable_.notify_one();
    awaited_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  /// Returns when the job under way has ended, or is in a PeerWait: its next one throws.
  void abandon() {
    std::unique_lock lock(mutex_);
    abandoned_ = stopping_ = true;
    for (const std::shared_ptr<Item>& item : items_) {
      item->failure = std::make_exception_ptr(left());
      item->done = true;
    }
    items_.clear();
    runnable_.notify_one();
    finished_.notify_all();
    finished_.wait(lock, [this] { return !running_ || peer_waits_ > 0; });
    if (thread_.joinable()) thread_.detach();
  }

  void begin_peer_wait() {
    const std::lock_guard lock(mutex_);
    if (abandoned_) throw left();
    ++peer_waits_;
  }

  void end_peer_wait() {
    std::unique_lock lock(mutex_);
    --peer_waits_;
    // The queue's owner did not wait for this job: what follows would find its members gone.
    while (abandoned_) finished_.wait(lock);
  }

  void wait(Item& item) {
    const PeerWait outer;
    std::unique_lock lock(mutex_);
    ++waiters_;
    if (running_ && !item.done) awaited_.notify_all();
    for (;;) {
      finished_.wait(lock, [&] { return item.done || can_run(); });
      if (item.done) break;
      run_first(lock);
    }
    --waiters_;
    if (can_run() || stopping_) runnable_.notify_one();
    if (item.failure) std::rethrow_exception(item.failure);
  }

  bool rest(std::chrono::nanoseconds longest) {
    std::unique_lock lock(mutex_);
    return awaited_.wait_for(lock, longest, [this] { return waiters_ > 0 || stopping_; });
  }

  bool done(const Item& item) {
    const std::lock_guard lock(mutex_);
    return item.done;
  }

 private:
  static Error left() {
    return {ErrorKind::fault, "not run, because an exception ended its group"};
  }

  bool can_run() const { return !running_ && !items_.empty(); }

  void run() {
    pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
    std::unique_lock lock(mutex_);
    for (;;) {
      runnable_.wait(lock, [this] { return can_run() || (stopping_ && items_.empty()); });
      if (!can_run()) return;
      run_first(lock);
    }
  }

  /// Runs the first job with the mutex released; whoever runs it, no other job starts before it is
  /// done.
  void run_first(std::unique_lock<std::mutex>& lock) {
    const std::shared_ptr<Item> item = std::move(items_.front());
    items_.pop_front();
    running_ = true;
    const std::exception_ptr earlier = first_failure_;
    lock.unlock();
    std::exception_ptr failure = earlier ? not_run(earlier) : nullptr;
    const auto start = std::chrono::steady_clock::now();
    Thread* const outer = std::exchange(running_here(), this);
    if (!outer) outermost_here() = this;
    try {
      if (!earlier) item->job();
    } catch (...) {
      failure = std::current_exception();
    }
    running_here() = outer;
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    item->job = nullptr;  // lets go of the tensors before anyone learns that it is done
    lock.lock();
    running_ = false;
    if (!abandoned_ && !earlier) item->report(elapsed.count());
    if (failure && !first_failure_) first_failure_ = failure;
    item->failure = std::move(failure);
    item->done = true;
    finished_.notify_all();
  }

  const std::string name_;
  std::mutex mutex_;
  std::condition_variable runnable_;  // for the queue's thread
  std::condition_variable finished_;  // for those who wait
  std::condition_variable awaited_;   // for the job under way
  std::deque<std::shared_ptr<Item>> items_;
  int waiters_ = 0;
  bool running_ = false;
  bool stopping_ = false;
  bool abandoned_ = false;
  int peer_waits_ = 0;  // of the job under way, one inside another
  std::exception_ptr first_failure_;
  std::thread thread_;
};

class WorkQueue::QueuedWork final : public WorkState {
 public:
  QueuedWork(std::shared_ptr<Thread> thread, std::shared_ptr<Thread::Item> item)
      : thread_(std::move(thread)), item_(std::move(item)) {}
  void start() override { thread_->start(); }
  void wait() override { thread_->wait(*item_); }
  bool done() override { return thread_->done(*item_); }

 private:
  std::shared_ptr<Thread> thread_;
  std::shared_ptr<Thread::Item> item_;
};

WorkQueue::WorkQueue(std::string name) : thread_(std::make_shared<Thread>(std::move(name))) {}

WorkQueue::~WorkQueue() {
  if (std::uncaught_exceptions() > 0) {
    thread_->abandon();
  } else {
    thread_->join();
  }
}

bool WorkQueue::rest(std::chrono::nanoseconds longest) {
  return !Thread::running_here() || Thread::outermost_here()->rest(longest);
}

WorkQueue::PeerWait::PeerWait() {
  Thread* const here = Thread::running_here();
  if (!here) return;
  here->begin_peer_wait();
  thread_ = here->shared_from_this();
}

WorkQueue::PeerWait::~PeerWait() {
  if (thread_) thread_->end_peer_wait();
}

Issued WorkQueue::push(Job job, Report report) {
  auto item = std::make_shared<Thread::Item>(
      Thread::Item{std::move(job), std::move(report), false, nullptr});
  thread_->push(item);
  return Issued(std::make_shared<QueuedWork>(thread_, std::move(item)));
}

}  // namespace spillway::comm
