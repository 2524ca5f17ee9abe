#pragma once

#include <c10/core/Device.h>

#include <functional>

#include "parallel/comm/work.hpp"
#include "parallel/comm/work_queue.hpp"

namespace spillway::compression {

/// A thread that runs exchanges beside the caller, in the order submitted, without autograd.
/// On a GPU a job runs on a stream of its own, behind what the caller had queued on its current
/// stream when it submitted; wait() of the Work makes the caller's current stream wait for the job.
class ExchangeQueue {
 public:
  /// `device`: of the tensors that the job touches.
  comm::Work submit(c10::Device device, std::function<void()> job);

 private:
  comm::Work submit_on_stream(c10::Device device, std::function<void()> job);

  comm::WorkQueue queue_{"exchange"};
};

}  // namespace spillway::compression
