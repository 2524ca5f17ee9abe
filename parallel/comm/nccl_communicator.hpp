#pragma once

#include <memory>

#include "parallel/comm/communicator.hpp"

namespace spillway::comm {

/// How make_world() reaches NCCL, so that programs and tests without CUDA need not load it.
struct NcclBackend {
  /// CUDA devices that this process sees; 0 when there is no driver.
  int (*devices)();
  /// All ranks of MPI_COMM_WORLD on device local_rank, backend "nccl". Collective over all ranks.
  /// Throws Error(input) on every rank alike, naming the first rank without a device of its own.
  std::unique_ptr<Communicator> (*make_world)();
};

/// Makes NCCL known to make_world(); called once, by main. In library spillway_nccl, whose source
/// is nccl_communicator.cpp, or no_nccl.cpp in a build without CUDA.
///
/// The backend: CUDA tensors on the rank's device; every operation runs on the communicator's own
/// stream, behind what the current stream holds when it is called, and Work::wait() makes the then
/// current stream wait for it, not the host. MPI only broadcasts the unique id; the non-blocking
/// initialization is polled and fails after two minutes. Floats are reduced by NCCL (the same bits
/// on every rank; 16-bit ones are rounded at every hop). max drops NaN. Traffic seconds
/// are the stream's and are entered when an operation is found finished at a later call.
void enable_nccl();

/// For enable_nccl() and make_world() alone: the backend now known.
void set_nccl_backend(NcclBackend backend);
NcclBackend nccl_backend();

}  // namespace spillway::comm
