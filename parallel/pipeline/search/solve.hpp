#pragma once

#include <vector>

#include "parallel/pipeline/search/explore.hpp"

namespace spillway::pipeline {

/// The best orders found for the shop: from policies, from `starts` (orders that fit and do not
/// deadlock), and, where there are more than two micro-batches a rank and many actions, from the
/// solution for two a rank; then annealed. The work is a count that depends on nothing but the size
/// of the shop and `effort`. Every rank has a slot for each of its stages.
Solution solve(const JobShop& shop, std::vector<Orders> starts, double effort);

}  // namespace spillway::pipeline
