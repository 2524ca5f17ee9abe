#pragma once

#include "parallel/pipeline/search/orders.hpp"

namespace spillway::pipeline {

/// What a rank does first when several of its actions could start.
struct Priorities {
  std::vector<double> due = {};  ///< by cell: the least comes first
  double launch = 0;             ///< F of micro-batch j on stage 0 starts no sooner than j * launch
  /// Idles for a more urgent action that comes within this share of what it could do meanwhile.
  double patience = 0;
  std::vector<int> in_flight = {};  ///< by stage: the most activations it holds
};

/// List scheduling: time runs forward, and a rank that is free starts the most urgent action whose
/// inputs are there. An F starts only if the micro-batches in flight can still end, one after the
/// other, in the slots that are left (the safe state of Dijkstra's banker), so no priorities
/// deadlock.
class Dispatcher {
 public:
  explicit Dispatcher(const JobShop& shop);

  /// The makespan of the orders that follow.
  double run(const Priorities& priorities);
  const Orders& orders() const { return orders_; }

 private:
  void reset();
  double ready_at(Kind kind) const;
  bool is_safe(Kind forward) const;
  bool can_all_end(Kind forward, int free) const;
  double due(Kind kind) const;
  void look(std::size_t rank);
  bool step(std::size_t rank);
  void start(Kind kind, std::size_t rank, double at);

  const JobShop& shop_;
  const Priorities* priorities_ = nullptr;
  std::vector<double> ends_;  ///< by cell
  std::vector<int> done_;     ///< by kind
  std::vector<int> held_;     ///< by rank: slots in use
  std::vector<double> clocks_;
  std::vector<double> next_;  ///< by rank: the next time that it could start something
  Orders orders_;
};

}  // namespace spillway::pipeline
