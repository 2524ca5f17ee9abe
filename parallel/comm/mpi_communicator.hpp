#pragma once

#include <cstdint>
#include <memory>

#include "parallel/comm/communicator.hpp"

namespace spillway::comm {

struct MpiOptions {
  /// No single MPI call moves more elements than this: counts are ints, and implementations add
  /// them up as ints.
  std::int64_t call_elements = std::int64_t{1} << 28;
  /// Large collectives among ranks of one host are blocking calls.
  bool blocking_calls = true;
};

/// All ranks of MPI_COMM_WORLD, CPU tensors, backend "mpi". Collective over all ranks;
/// MpiEnvironment must live.
///
/// Each communicator has an MPI_Comm of its own and one thread, so MPI needs MPI_THREAD_MULTIPLE.
/// Waiting for a peer sleeps instead of polling: calls are non-blocking ones with await(), which
/// leaves the core to whoever computes while a network carries the data. Among ranks of one host,
/// where the call itself copies, a collective over 32 KiB first awaits everyone's arrival (unless
/// all were punctual lately), then makes the blocking call, which is the faster one.
///
/// 16-bit floats, and whatever else is over 32 KiB when there are several hosts, are exchanged by
/// parts, summed in float32 (integers in their own type) in rank order, rounded once. Other tensors
/// are reduced by MPI: the same bits on every rank, in an order that depends on size and number of
/// ranks. max of a NaN and anything is NaN.
std::unique_ptr<Communicator> make_mpi_world(MpiOptions options = {});

}  // namespace spillway::comm
