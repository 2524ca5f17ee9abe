#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>

#include "configs/schema.hpp"
#include "parallel/comm/communicator.hpp"
#include "parallel/pipeline/action_log.hpp"
#include "parallel/pipeline/watchdog.hpp"
#include "parallel/process_grid.hpp"

namespace spillway::trainer {

/// Whether the replicas train one model, or each pipeline is a run of its own that sees no other.
enum class Replicas : std::uint8_t { together, apart };

/// The ranks of a run as this process sees them: who talks to whom over what, and where its tensors
/// live. Collective construction over all ranks, after comm::MpiEnvironment; throws Error(input)
/// where ranks have different configurations (see same_configuration.hpp).
struct Ranks {
  explicit Ranks(const config::Config& config, Replicas replicas = Replicas::together);

  /// What this rank does, from its first meeting with the others to the end. One that stands at an
  /// entry for parallel.deadline_seconds says so on stderr, and ends all ranks with exit code 3.
  pipeline::ActionLog log;
  pipeline::Watchdog watchdog;
  at::Device device;
  std::unique_ptr<comm::Communicator>
      control;  ///< all ranks of the run, over MPI: votes, agreements, text; CPU tensors
  std::unique_ptr<comm::Communicator>
      world;                   ///< the same ranks, over parallel.backend: tensors on `device`
  parallel::ProcessGrid grid;  ///< of `world`

  /// From now on the last actions stand in RUN/logs/rank-N.log too. Throws Error(fault) where that
  /// cannot be written.
  void open_log(const std::filesystem::path& run_dir);
};

/// The device that run.device names for this rank. Throws Error(input) when "cuda" is asked for and
/// none is there.
at::Device choose_device(const std::string& setting, int local_rank);

}  // namespace spillway::trainer
