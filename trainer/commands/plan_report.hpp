#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "parallel/pipeline/compare.hpp"
#include "trainer/run_plan.hpp"

namespace spillway::trainer {

/// A plan for people: model and layout, the schedule as a grid over time, one line a rank, totals.
std::string plan_table(const RunPlan& plan);

/// The same for programs: makespan, idle and peak_activations (one number per rank), ..., the
/// actions of each rank.
nlohmann::ordered_json plan_json(const RunPlan& plan);

/// One line a schedule, best first, each with its verdict.
std::string comparison_table(const std::vector<pipeline::Contender>& contenders,
                             const std::string& unit);

/// "picked" (a name, or null where none fits) and "schedules", best first.
nlohmann::ordered_json comparison_json(const std::vector<pipeline::Contender>& contenders);

}  // namespace spillway::trainer
