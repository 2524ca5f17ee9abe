#pragma once

#include <string>
#include <vector>

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// One thing that is wrong with a schedule, and where. position -1: something that should be on the
/// rank is not; rank -1: on any rank.
struct Fault {
  Place place;
  std::string reason;  ///< "2B1 comes before its forward 2F1 (action 7)"
};

/// What is wrong with a compute schedule: wrong number of ranks, an empty rank, an action that is
/// no compute, out of range, there twice or missing, a stage on two ranks, backward before forward,
/// W before I, B beside I or W, neighbouring stages on ranks that are not neighbours; and, if
/// nothing of that, each blocked action of a deadlock of its lowered form.
std::vector<Fault> find_faults(const Schedule& compute, const ScheduleShape& shape);

/// The same for a lowered schedule, and: sends and receives that are missing, twice, needless,
/// without their other end, before the action that makes the tensor or behind the one that needs
/// it; an order of receives on a route that crosses that of its sends; REDUCE_GRAD missing, twice
/// or before the last backward of its stage. Messages count as rendezvous, whatever their size: on
/// its route each waits for both ends, and nothing overtakes it. What runs so runs with buffers
/// too.
std::vector<Fault> find_lowered_faults(const Schedule& lowered, const ScheduleShape& shape);

/// Throw Error(input) that lists the faults by rank, action and reason, and shows the grid with the
/// first spot marked; return if none.
void validate(const Schedule& compute, const ScheduleShape& shape);
void validate_lowered(const Schedule& lowered, const ScheduleShape& shape);

}  // namespace spillway::pipeline
