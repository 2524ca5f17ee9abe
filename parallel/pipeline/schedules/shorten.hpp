#pragma once

#include "parallel/pipeline/schedule.hpp"

namespace spillway::pipeline {

/// The part of a compute schedule that concerns its first micro-batches, in the same order. It is
/// valid and free of deadlock if the schedule is: no action needs one of another micro-batch. An
/// overlap that loses its forward or its backward is none.
Schedule first_microbatches(const Schedule& compute, int microbatches);

}  // namespace spillway::pipeline
