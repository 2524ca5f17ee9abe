#pragma once

#include <cstdint>

#include "parallel/comm/communicator.hpp"
#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// Runs `compute` over stages whose messages have `bytes` bytes, each of them a number of the
/// message's own, and expects every message whole where it belongs. Collective over `world`, whose
/// size is a multiple of the schedule's ranks.
void expect_whole_messages(comm::Communicator& world, const Schedule& compute, std::int64_t bytes);

}  // namespace spillway::pipeline
