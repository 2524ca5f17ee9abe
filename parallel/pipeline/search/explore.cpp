#include "parallel/pipeline/search/explore.hpp"

#include <algorithm>

namespace spillway::pipeline {
namespace {

JobShop grouped(const JobShop& shop, int size) {
  JobShop groups = with_microbatches(shop, (shop.microbatches + size - 1) / size);
  for (double& length : groups.length) length *= size;
  for (int& slots : groups.slots) slots /= size;
  return groups;
}

bool has_room(const JobShop& shop) {
  for (int rank = 0; rank < shop.ranks; ++rank) {
    if (shop.slots[static_cast<std::size_t>(rank)] < shop.stages_on(rank)) return false;
  }
  return true;
}

}  // namespace

Solution explore(const JobShop& shop, int group, int trials, double target, Random& random) {
  Solution best;
  const JobShop groups = grouped(shop, group);
  if (!has_room(groups)) return best;
  const PolicyMaker maker(groups);
  Dispatcher dispatcher(groups);
  OrderClock clock(shop);
  Policy leader;
  for (int trial = 0; trial < trials && best.makespan > target + kTimeSlack; ++trial) {
    Policy policy = leader;
    if (trial < (trials + 2) / 3) {
      policy = maker.draw(random);
    } else {
      maker.vary(policy, random);
    }
    dispatcher.run(priorities_of(policy, groups));
    const Orders orders = expand_groups(dispatcher.orders(), group, shop);
    const double makespan = clock.run(orders);
    if (makespan > best.makespan + kTimeSlack) continue;
    leader = policy;
    best = {orders, makespan};
  }
  return best;
}

}  // namespace spillway::pipeline
