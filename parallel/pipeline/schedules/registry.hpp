#pragma once

#include <string>
#include <vector>

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// "gpipe", "1f1b", ...: those with a generator.
const std::vector<std::string>& schedule_names();

/// Chunks a rank of the schedule of that name (parallel.schedule) if `requested` ones are asked for
/// (parallel.chunks): what was asked for, but where that is one, the default, two of a schedule on
/// a V and those that a file has. Throws Error(input) for an unknown name and for chunks that the
/// schedule does not have.
int chunks_of(const std::string& name, int requested);

/// The compute schedule of that name for the given size, validated; `shape.chunks` are those asked
/// for. Throws as chunks_of() does, and Error(input) for a file whose schedule is invalid or of
/// another size.
Schedule make_schedule(const std::string& name, ScheduleShape shape);

}  // namespace spillway::pipeline
