#pragma once

#include <vector>

#include "parallel/pipeline/compare.hpp"
#include "trainer/plan_request.hpp"

namespace spillway::trainer {

/// Every schedule of the registry, and "auto" (see find_schedule()), in the place of
/// parallel.schedule, under the request's cap, with the numbers of chunks that it has, or 2, 4 and
/// parallel.chunks where it takes any; also parallel.schedule itself where it is a file. Each with
/// every recomputation that parallel.recompute allows. See
/// pipeline::compare().
std::vector<pipeline::Contender> compare_plans(const PlanRequest& request);

}  // namespace spillway::trainer
