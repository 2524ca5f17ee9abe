#pragma once

#include <memory>

namespace spillway::comm {

/// State of one queued operation; each kind of backend has its own.
class WorkState {
 public:
  WorkState() = default;
  WorkState(const WorkState&) = delete;
  WorkState& operator=(const WorkState&) = delete;
  virtual ~WorkState() = default;
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

}  // namespace spillway::comm
