#pragma once

#include "configs/command_line.hpp"
#include "trainer/plan_request.hpp"

namespace spillway::trainer {

/// Reads the configuration and --costs into a request: numbers ("F=1,I=1,W=1"), for which `config`
/// counts only for its section [parallel], or the calibration.json of a run folder. Throws
/// Error(input) for what is neither, and for a file that was measured with other settings.
void read_config_and_costs(const config::Arguments& arguments, PlanRequest& request);

}  // namespace spillway::trainer
