#pragma once

#include "parallel/pipeline/search/policy.hpp"

namespace spillway::pipeline {

/// Orders and their makespan, in units of the shop.
struct Solution {
  Orders orders = {};
  double makespan = std::numeric_limits<double>::infinity();
};

/// The best of `trials` policies, the first third drawn, the others varied from the best so far,
/// with micro-batches that travel in groups of `group`: where hops are slow and slots few, a group
/// shares the wait for its gradients. Stops at `target`. No orders if a group does not fit the
/// slots.
Solution explore(const JobShop& shop, int group, int trials, double target, Random& random);

}  // namespace spillway::pipeline
