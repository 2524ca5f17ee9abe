#pragma once

#include <string>

#include "parallel/pipeline/prediction.hpp"

namespace spillway::pipeline {

/// The predicted step in Chrome's trace format, for Perfetto and chrome://tracing. Process 0: one
/// thread a rank with its compute, and a counter of its memory; process 1: the transfers, from the
/// post of the send to the arrival, as many threads a route as there are transfers at a time. One
/// unit of time is drawn as a millisecond.
std::string chrome_trace(const Prediction& prediction);

}  // namespace spillway::pipeline
