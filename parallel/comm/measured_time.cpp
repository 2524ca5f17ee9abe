#include "parallel/comm/measured_time.hpp"

#include <ATen/ops/median.h>
#include <ATen/ops/tensor.h>

#include <thread>
#include <utility>

namespace spillway::comm {

at::Device device_of(const Communicator& world) {
  return world.backend() == "nccl" ? at::kCUDA : at::kCPU;
}

void finish(const Work& work) {
  work.wait();
  while (!work.done()) std::this_thread::yield();  // a GPU's wait() does not block the host
}

void finish(Issued operation) { finish(std::move(operation).wait()); }

at::Tensor over_all_ranks(Communicator& world, const at::Tensor& values, ReduceOp op) {
  const at::Tensor there = values.to(device_of(world));
  finish(world.all_reduce(there, op));
  return there.to(at::kCPU);
}

double median_seconds(Communicator& world, const std::vector<std::int64_t>& nanoseconds) {
  const at::Tensor slowest =
      over_all_ranks(world, at::tensor(nanoseconds, at::kLong), ReduceOp::max);
  return 1e-9 * static_cast<double>(slowest.median().item<std::int64_t>());
}

}  // namespace spillway::comm
