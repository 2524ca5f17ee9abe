#pragma once

#include <cstdint>
#include <memory>

#include "parallel/comm/communicator.hpp"

namespace spillway::comm {

struct MpiOptions {
  /// No single MPI call moves more elements than this: counts are ints, and implementations add
  /// them up as ints.
  std::int64_t call_elements = std::int64_t{1} << 28;
};

/// All ranks of MPI_COMM_WORLD, CPU tensors, backend "mpi". Collective over all ranks;
/// MpiEnvironment must live.
///
/// Each communicator has an MPI_Comm of its own and one thread, so MPI needs MPI_THREAD_MULTIPLE.
/// Waiting for a peer sleeps instead of polling: messages and small collectives use the
/// non-blocking call and await(); a collective over 32 KiB first awaits everyone's arrival (unless
/// all were punctual lately), then makes the blocking call, which is the faster one and lasts as
/// long as the data flow. float32 and integers are reduced by MPI (the same bits on every rank; the
/// order depends on size and number of ranks). 16-bit floats are exchanged by parts, summed in
/// float32 in rank order, rounded once. max of a NaN and anything is NaN.
std::unique_ptr<Communicator> make_mpi_world(MpiOptions options = {});

}  // namespace spillway::comm
