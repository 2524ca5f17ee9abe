#include "parallel/comm/work_queue.hpp"

#include <pthread.h>
#include <sys/prctl.h>

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

class QueuedWork final : public WorkState {
 public:
  void wait() override {
    std::unique_lock lock(mutex_);
    finished_.wait(lock, [this] { return done_; });
    if (failure_) std::rethrow_exception(failure_);
  }
  bool done() override {
    const std::lock_guard lock(mutex_);
    return done_;
  }
  void finish(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    failure_ = std::move(failure);
    done_ = true;
    finished_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable finished_;
  bool done_ = false;
  std::exception_ptr failure_;
};

struct Item {
  std::shared_ptr<QueuedWork> work;
  WorkQueue::Job job;
  WorkQueue::Report report;
};

std::exception_ptr not_run(const std::exception_ptr& first) {
  std::string reason = "unknown";
  try {
    std::rethrow_exception(first);
  } catch (const std::exception& error) {
    reason = error.what();
  } catch (...) {
  }
  return std::make_exception_ptr(Error(
      ErrorKind::fault, "not run, because an earlier operation of this group failed: " + reason));
}

}  // namespace

class WorkQueue::Thread : public std::enable_shared_from_this<WorkQueue::Thread> {
 public:
  explicit Thread(std::string name) : name_(std::move(name)) {}

  void push(Item item) {
    const std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
    if (!thread_.joinable()) thread_ = std::thread([self = shared_from_this()] { self->run(); });
    changed_.notify_one();
  }

  void join() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
      changed_.notify_one();
    }
    if (thread_.joinable()) thread_.join();
  }

  void abandon() {
    const std::lock_guard lock(mutex_);
    abandoned_ = stopping_ = true;
    const auto left = std::make_exception_ptr(
        Error(ErrorKind::fault, "not run, because an exception ended its group"));
    for (const Item& item : items_) item.work->finish(left);
    items_.clear();
    changed_.notify_one();
    if (thread_.joinable()) thread_.detach();
  }

 private:
  void run() {
    pthread_setname_np(pthread_self(), name_.substr(0, 15).c_str());
    prctl(PR_SET_TIMERSLACK,
          1000UL);  // nanoseconds: a sleep of 20 us between two polls is to last 20 us, not 70
    for (Item item; next(item);) {
      std::exception_ptr failure = first_failure_ ? not_run(first_failure_) : execute(item);
      if (failure && !first_failure_) first_failure_ = failure;
      item.job = nullptr;  // lets go of the tensors before anyone learns that it is done
      item.work->finish(std::move(failure));
      item = {};
    }
  }

  bool next(Item& item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return stopping_ || !items_.empty(); });
    if (items_.empty()) return false;
    item = std::move(items_.front());
    items_.pop_front();
    return true;
  }

  std::exception_ptr execute(Item& item) {
    std::exception_ptr failure;
    const auto start = std::chrono::steady_clock::now();
    try {
      item.job();
    } catch (...) {
      failure = std::current_exception();
    }
    const std::chrono::duration<double> elapsed = std::chrono::steady_clock::now() - start;
    const std::lock_guard lock(mutex_);  // abandon() returns only when no report is under way
    if (!abandoned_) item.report(elapsed.count());
    return failure;
  }

  const std::string name_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Item> items_;
  bool stopping_ = false;
  bool abandoned_ = false;
  std::exception_ptr first_failure_;  // of the queue's thread alone
  std::thread thread_;
};

WorkQueue::WorkQueue(std::string name) : thread_(std::make_shared<Thread>(std::move(name))) {}

WorkQueue::~WorkQueue() {
  if (std::uncaught_exceptions() > 0) {
    thread_->abandon();
  } else {
    thread_->join();
  }
}

Work WorkQueue::push(Job job, Report report) {
  auto work = std::make_shared<QueuedWork>();
  thread_->push({work, std::move(job), std::move(report)});
  return Work(work);
}

}  // namespace spillway::comm
