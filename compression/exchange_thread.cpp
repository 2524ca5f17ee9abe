#include "compression/exchange_thread.hpp"

#include <c10/core/GradMode.h>

#include <chrono>
#include <memory>

namespace spillway::compression {
namespace {

class JobState final : public comm::WorkState {
 public:
  explicit JobState(std::future<void> result) : result_(std::move(result)) {}
  void wait() override { result_.get(); }
  bool done() override {
    return result_.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  }

 private:
  std::shared_future<void> result_;
};

}  // namespace

ExchangeThread::ExchangeThread() : thread_([this] { loop(); }) {}

ExchangeThread::~ExchangeThread() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

comm::Work ExchangeThread::submit(std::function<void()> job) {
  std::packaged_task<void()> task(std::move(job));
  comm::Work work(std::make_shared<JobState>(task.get_future()));
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(task));
  }
  wake_.notify_one();
  return work;
}

void ExchangeThread::loop() {
  const c10::AutoGradMode no_grad(false);
  for (;;) {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    if (jobs_.empty()) return;
    std::packaged_task<void()> task = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    task();
  }
}

}  // namespace spillway::compression
