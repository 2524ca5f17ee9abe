#pragma once

#include <filesystem>

#include "configs/schema.hpp"
#include "parallel/comm/communicator.hpp"

namespace spillway::trainer {

/// What can be found wrong with a run before any rank talks to another, so that all ranks complain
/// alike: grid, layout, schedule (but for one that is to be searched for), corpus, operators.
/// Throws Error(input). No MPI needed.
void check_run(const config::Config& config, int world);

/// Makes run.dir where it is missing. Collective over `world`: rank 0 looks, and all ranks throw
/// the same Error(input) where making it, or writing into it, is not possible.
void check_run_folder(const std::filesystem::path& dir, comm::Communicator& world);

}  // namespace spillway::trainer
