#pragma once

#include <string>

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// "gpipe | 1f1b | csv:FILE"
const std::string& schedule_names();

/// The compute schedule of that name (parallel.schedule) for the given size, validated. Throws
/// Error(input) for an unknown name, for chunks that the schedule does not have, and for a file
/// whose schedule is invalid or of another size.
Schedule make_schedule(const std::string& name, const ScheduleShape& shape);

}  // namespace spillway::pipeline
