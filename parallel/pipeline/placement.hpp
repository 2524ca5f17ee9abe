#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// How stages are laid on p ranks. linear: stage s on rank s; loop: several chunks, stage s on rank
/// s mod p; v: several chunks that run down and up the ranks in turn, stage s < p on rank s, stage
/// p + i on rank p - 1 - i.
enum class Placement : std::uint8_t { linear, loop, v };

std::string to_string(Placement placement);
/// Throws Error(input) for anything but linear | loop | v; `what` names the option.
Placement parse_placement(const std::string& what, const std::string& text);

/// Entry s is the rank of stage s. Throws Error(input) for a linear placement of several chunks
/// and for another one of a single chunk.
std::vector<int> rank_of_stage(Placement placement, const ScheduleShape& shape);

/// Throws Error(input) unless the stages of `compute` stand as `wanted` says; `what` names who
/// wants it.
void check_placement(const Schedule& compute, Placement wanted, const std::string& what);

}  // namespace spillway::pipeline
