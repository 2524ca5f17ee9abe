#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "parallel/comm/communicator.hpp"

namespace spillway::comm {

/// Where tensors of this communicator live.
at::Device device_of(const Communicator& world);

/// Blocks the host until the operation is over, on a GPU too.
void finish(const Work& work);
void finish(Issued operation);

/// `values` (int64) reduced over all ranks, on the CPU.
at::Tensor over_all_ranks(Communicator& world, const at::Tensor& values, ReduceOp op);

/// Median over iterations of the slowest rank, in seconds. Collective; the same on every rank.
double median_seconds(Communicator& world, const std::vector<std::int64_t>& nanoseconds);

template <typename Body>
std::int64_t nanoseconds_of(Body body) {
  const auto start = std::chrono::steady_clock::now();
  body();
  return std::chrono::nanoseconds(std::chrono::steady_clock::now() - start).count();
}

}  // namespace spillway::comm
