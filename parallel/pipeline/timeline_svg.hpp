#pragma once

#include <string>

#include "parallel/pipeline/prediction.hpp"

namespace spillway::pipeline {

/// The predicted step as a picture: one row a rank with its compute, coloured by kind and named
/// where there is room, below it the rank's memory over time as a share of the largest peak; a time
/// axis and a legend. One self-contained SVG, 1200 units wide. `unit` names the unit of time.
std::string timeline_svg(const Prediction& prediction, const std::string& unit);

}  // namespace spillway::pipeline
