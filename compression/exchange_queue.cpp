#include "compression/exchange_queue.hpp"

#include <c10/core/Event.h>
#include <c10/core/GradMode.h>
#include <c10/core/StreamGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <memory>
#include <utility>

namespace spillway::compression {
namespace {

/// Done when the job has queued its kernels; wait() then lets the caller's stream wait for them.
class StreamWork final : public comm::WorkState {
 public:
  StreamWork(comm::Work queued, std::shared_ptr<c10::Event> finished, c10::Device device)
      : queued_(std::move(queued)), finished_(std::move(finished)), device_(device) {}
  void wait() override {
    queued_.wait();
    finished_->block(c10::impl::VirtualGuardImpl(device_.type()).getStream(device_));
  }
  bool done() override { return queued_.done() && finished_->query(); }

 private:
  comm::Work queued_;
  std::shared_ptr<c10::Event> finished_;
  c10::Device device_;
};

}  // namespace

comm::Work ExchangeQueue::submit(c10::Device device, std::function<void()> job) {
  if (!device.is_cpu()) return submit_on_stream(device, std::move(job));
  return queue_.push(
      [job = std::move(job)] {
        const c10::AutoGradMode no_grad(false);
        job();
      },
      [](double /*seconds*/) {});
}

comm::Work ExchangeQueue::submit_on_stream(c10::Device device, std::function<void()> job) {
  const c10::impl::VirtualGuardImpl backend(device.type());
  auto ready = std::make_shared<c10::Event>(device.type());
  auto finished = std::make_shared<c10::Event>(device.type());
  ready->record(backend.getStream(device));
  comm::Work queued = queue_.push(
      [job = std::move(job), backend, device, ready, finished] {
        const c10::AutoGradMode no_grad(false);
        thread_local const c10::Stream stream = backend.getStreamFromGlobalPool(device, true);
        const c10::StreamGuard guard(stream);
        ready->block(stream);
        job();
        finished->record(stream);
      },
      [](double /*seconds*/) {});
  return comm::Work(std::make_shared<StreamWork>(std::move(queued), std::move(finished), device));
}

}  // namespace spillway::compression
