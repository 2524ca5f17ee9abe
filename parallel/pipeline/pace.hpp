#pragma once

namespace spillway::pipeline {

/// Sleeps, so that other ranks can use the core; ends 10 to 60 us late, more where cores are busy.
void pace(double seconds);

}  // namespace spillway::pipeline
