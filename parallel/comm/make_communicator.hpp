#pragma once

#include <memory>
#include <string>

#include "parallel/comm/communicator.hpp"

namespace spillway::comm {

/// The world of this process: `backend` is "auto" | "mpi" | "nccl". auto: nccl when every rank has
/// a CUDA device of its own, else mpi. Collective over all ranks. Throws Error(input) for an
/// unknown name or a backend that cannot work here (never falls back).
std::unique_ptr<Communicator> make_world(const std::string& backend);

}  // namespace spillway::comm
