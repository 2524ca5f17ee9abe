#pragma once

#include "parallel/pipeline/search/dispatch.hpp"

namespace spillway::pipeline {

/// When the actions of `large` are due if the steady unit of orders of the same pipeline with fewer
/// micro-batches, the `unit` micro-batches in their middle, is repeated until there are enough, and
/// the ends stay as they are. 1 <= unit < small.microbatches <= large.microbatches.
Priorities repeat_unit(const JobShop& small, const Orders& orders, int unit, const JobShop& large);

}  // namespace spillway::pipeline
