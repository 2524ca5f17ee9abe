#pragma once

#include <memory>

#include "parallel/comm/communicator.hpp"

namespace spillway::comm {

/// How make_world() reaches NCCL, so that programs without CUDA do not load it.
struct NcclBackend {
  /// CUDA devices of this process; 0 when there is no driver.
  int (*devices)();
  /// All ranks of MPI_COMM_WORLD, CUDA tensors, backend "nccl". Collective; throws Error(input) on
  /// every rank when one has no device.
  std::unique_ptr<Communicator> (*make_world)();
};

/// Tells make_world() of NCCL. Library spillway_nccl; its CMakeLists.txt chooses
/// nccl_communicator.cpp, or no_nccl.cpp in a build without CUDA.
void enable_nccl();

}  // namespace spillway::comm
