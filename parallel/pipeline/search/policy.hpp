#pragma once

#include "parallel/pipeline/search/dispatch.hpp"
#include "parallel/pipeline/search/random.hpp"

namespace spillway::pipeline {

/// A few numbers that decide a whole schedule, whatever the number of micro-batches: action j of a
/// kind is due at offset + j * period.
struct Policy {
  std::vector<double> offset = {};  ///< by kind
  double period = 0;                ///< 0: kinds rank above each other for good
  double launch = 0;                ///< see Priorities
  double patience = 0;
  std::vector<int> in_flight = {};
};

Priorities priorities_of(const Policy& policy, const JobShop& shop);

/// Draws and varies policies for one shop.
class PolicyMaker {
 public:
  explicit PolicyMaker(const JobShop& shop);

  /// Either ranks the kinds (I before F before W, shaken), or follows micro-batches that travel
  /// the chain at a pace that their slots allow, more or less stretched.
  Policy draw(Random& random) const;
  /// Changes one to three of its numbers.
  void vary(Policy& policy, Random& random) const;

 private:
  double pace(double stretch) const;
  int most_in_flight(int stage) const;
  void vary_limit(Policy& policy, int stage, Random& random) const;

  const JobShop& shop_;
};

}  // namespace spillway::pipeline
