#pragma once

#include <memory>

#include "configs/schema.hpp"
#include "parallel/comm/communicator.hpp"
#include "parallel/process_grid.hpp"

namespace spillway::trainer {

/// The ranks of a run as this process sees them: who talks to whom over what, and where its tensors
/// live. Collective construction over all ranks, after comm::MpiEnvironment.
struct Ranks {
  explicit Ranks(const config::Config& config);

  at::Device device;
  std::unique_ptr<comm::Communicator>
      control;  ///< all ranks, over MPI: votes, agreements, text; CPU tensors
  std::unique_ptr<comm::Communicator>
      world;                   ///< all ranks, over parallel.backend: tensors on `device`
  parallel::ProcessGrid grid;  ///< of `world`
};

/// The device that run.device names for this rank. Throws Error(input) when "cuda" is asked for and
/// none is there.
at::Device choose_device(const std::string& setting, int local_rank);

}  // namespace spillway::trainer
