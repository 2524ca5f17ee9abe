#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// Compute schedules as CSV, compatible with the compute_only format of
/// torch.distributed.pipelining: one line a rank, one action a cell, or the two of a block that
/// runs as one (Schedule::overlapped), "(0F7;7B3)OVERLAP_F_B". An empty cell is a deliberate idle
/// slot, which has no meaning beyond its looks.

/// `source` names the text in messages. Spaces around an action, \n and \r\n are accepted. Throws
/// Error(input) with line, cell and reason for anything else, also for communication, which is
/// derived.
Schedule parse_csv(std::string_view text, const std::string& source);
Schedule read_csv(const std::filesystem::path& path);

/// A valid compute schedule; each action stands in the slot in which it would run if every action
/// took one; a block takes two, and the second of them is empty if nothing else fills it.
std::string to_csv(const Schedule& compute);

}  // namespace spillway::pipeline
