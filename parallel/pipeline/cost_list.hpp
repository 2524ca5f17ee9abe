#pragma once

#include <string_view>
#include <vector>

#include "parallel/pipeline/simulate.hpp"

namespace spillway::pipeline {

/// Costs of the actions as a user writes them, in any unit of time: "F=1,I=1,W=1", or a list with
/// one entry a stage, "F=1;1;1;1.4,I=1;1;1;1.4,W=1;1;1;1.2,comm=0.5". A single number is for one
/// micro-batch on a rank's whole share of the layers: each of its chunks costs 1/chunks of it.
struct CostList {
  std::vector<double> forward;
  std::vector<double> backward_input;
  std::vector<double> backward_weight;
  std::vector<double> recompute;  ///< empty: as forward
  double comm = 0;                ///< latency of a hop between two ranks
};

/// F, I and W must be given, R and comm may be; each once, in any order, without spaces. Numbers
/// are finite and not negative. Throws Error(input) with the text, the position (from 1) and what
/// would be valid there.
CostList parse_costs(std::string_view text);

/// The costs of each stage of a schedule; a whole backward costs I + W. Throws Error(input) where a
/// list is not one entry a stage.
Costs costs_of(const CostList& list, const ScheduleShape& shape);

}  // namespace spillway::pipeline
