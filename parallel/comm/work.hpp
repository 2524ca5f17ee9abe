#pragma once

#include <memory>
#include <utility>

namespace spillway::comm {

/// State of one queued operation; each kind of backend has its own.
class WorkState {
 public:
  WorkState() = default;
  WorkState(const WorkState&) = delete;
  WorkState& operator=(const WorkState&) = delete;
  virtual ~WorkState() = default;
  /// From now on somebody else may run it while the caller goes on; it may have begun before.
  virtual void start() {}
  virtual void wait() = 0;
  virtual bool done() = 0;
};

/// Handle of a queued operation. CPU: wait() blocks until it ran. GPU: wait() makes the current
/// CUDA stream wait for it. wait() throws what the operation threw, on every call. A default-made
/// Work is done. Dropping a Work does not cancel the operation.
class Work {
 public:
  Work() = default;
  explicit Work(std::shared_ptr<WorkState> state) : state_(std::move(state)) {}
  void wait() const {
    if (state_) state_->wait();
  }
  bool done() const { return !state_ || state_->done(); }

 private:
  std::shared_ptr<WorkState> state_;
};

/// What queueing an operation returns. Kept as a Work, or dropped, it runs beside the caller;
/// waited for on the spot, as in `group.barrier().wait()`, it runs on the caller's thread and no
/// other thread is woken for it, which costs 10 to 20 us where all cores are in use.
class [[nodiscard]] Issued {
 public:
  Issued() = default;
  explicit Issued(std::shared_ptr<WorkState> state) : state_(std::move(state)) {}
  Issued(const Issued&) = delete;
  Issued& operator=(const Issued&) = delete;
  ~Issued() {
    if (state_) state_->start();
  }

  operator Work() && {
    if (state_) state_->start();
    return Work(std::exchange(state_, nullptr));
  }
  /// The Work that was waited for: on a GPU it may be under way still.
  Work wait() && {
    const Work work(std::exchange(state_, nullptr));
    work.wait();
    return work;
  }

 private:
  std::shared_ptr<WorkState> state_;
};

}  // namespace spillway::comm
