#pragma once

#include <limits>

#include "parallel/pipeline/schedule.hpp"
#include "parallel/pipeline/search/job_shop.hpp"

namespace spillway::pipeline {

/// By rank, the kinds of its actions in their order; the k-th of a kind is that of micro-batch k.
///
/// That loses nothing: micro-batches cost the same, so if two of them stand in another order on one
/// kind they can swap names there and behind, and neither a time nor a slot changes.
using Orders = std::vector<std::vector<Kind>>;

/// B becomes I and W. The schedule has every action of the shop on its rank (validate()).
Orders to_orders(const Schedule& compute, const JobShop& shop);
Schedule to_schedule(const Orders& orders, const JobShop& shop);

/// Every micro-batch of `groups` becomes `size` of them, that do each action one behind the other.
Orders expand_groups(const Orders& groups, int size, const JobShop& shop);

/// Whether an order of one rank's actions keeps F, I and W of each micro-batch in turn and never
/// holds more activations than the rank has slots.
class RankCheck {
 public:
  explicit RankCheck(const JobShop& shop) : shop_(shop) {}
  bool holds(const std::vector<Kind>& order, int rank);

 private:
  const JobShop& shop_;
  std::vector<int> done_;
};
bool fits(const Orders& orders, const JobShop& shop);

/// When the actions end if every rank does them in order, each as soon as it can. Linear in the
/// number of actions.
class OrderClock {
 public:
  explicit OrderClock(const JobShop& shop);

  /// The makespan; infinite for a deadlock, and as soon as it is sure to exceed `limit`.
  double run(const Orders& orders, double limit = std::numeric_limits<double>::infinity());

  /// Of the last run that was finite.
  double end(Kind kind, int microbatch) const { return ends_[shop_.cell(kind, microbatch)]; }
  double end(int rank) const { return clocks_[static_cast<std::size_t>(rank)]; }

 private:
  bool advance(const std::vector<Kind>& order, std::size_t rank, double limit);

  const JobShop& shop_;
  std::vector<double> ends_;       ///< by cell
  std::vector<int> done_;          ///< by kind
  std::vector<std::size_t> next_;  ///< by rank
  std::vector<double> clocks_;     ///< by rank
  std::vector<double> work_;       ///< by rank: lengths of all its actions
  std::vector<double> remaining_;  ///< by rank: of those not yet done
};

}  // namespace spillway::pipeline
