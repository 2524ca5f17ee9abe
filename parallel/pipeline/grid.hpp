#pragma once

#include <string>

#include "parallel/pipeline/schedule.hpp"
#include "parallel/pipeline/simulate.hpp"

namespace spillway::pipeline {

/// The actions around `spot`, one line a rank, in order; the spot stands between > and <. Without a
/// position: from the start.
std::string order_grid(const Schedule& schedule, Place spot);

/// Compute over time, one line a rank. A column is the shortest compute action, or longer where
/// that keeps a line below `columns` columns; an action that lasts is drawn on with '=', idle time
/// with '.'. Stages are named (2F0) where a rank has several.
std::string time_grid(const Simulation& simulation, int columns);

}  // namespace spillway::pipeline
