#include "parallel/pipeline/search/solve.hpp"

#include <algorithm>

#include "parallel/pipeline/search/anneal.hpp"
#include "parallel/pipeline/search/repeat.hpp"

namespace spillway::pipeline {
namespace {

constexpr std::uint64_t kSeed = 1;
/// Micro-batches that travel together: up to so many.
constexpr int kLargestGroup = 4;
/// Up to so many actions a shop gets all trials and moves, and above it fewer, since each costs
/// more.
constexpr double kSmall = 1200;
constexpr double kTrials = 1000;  ///< policies for each size of groups
constexpr double kMoves = 500'000;
constexpr double kMovesOfRound = 20'000;  ///< more, shorter rounds find more than few long ones
/// Temperatures, in units of the work of the slowest rank on one micro-batch.
/// From a start, from the best so far, and at the end of both.
constexpr double kHot = 0.17, kWarm = 0.085, kCold = 0.007;

class Solver {
 public:
  Solver(const JobShop& shop, double effort)
      : shop_(shop),
        effort_(effort),
        scale_(effort * std::min(1.0, kSmall / shop.action_count())),
        bound_(lower_bound(shop)),
        random_(kSeed) {}

  Solution run(std::vector<Orders> starts) {
    OrderClock clock(shop_);
    for (Orders& orders : starts) {
      const double makespan = clock.run(orders);
      add({std::move(orders), makespan});
    }
    if (shop_.microbatches > 2 * shop_.ranks && shop_.action_count() > kSmall) add_repeated();
    const int largest = std::min(kLargestGroup, (shop_.microbatches + 1) / 2);
    for (int group = 1; group <= largest && !is_optimal(); ++group) {
      add(explore(shop_, group, count(kTrials), bound_, random_));
    }
    anneal();
    return best_;
  }

 private:
  int count(double of) const { return std::max(1, static_cast<int>(of * scale_)); }
  bool is_optimal() const { return best_.makespan <= bound_ + kTimeSlack; }

  void add(Solution solution) {
    if (solution.orders.empty()) return;
    if (solution.makespan < best_.makespan) best_ = solution;
    starts_.push_back(std::move(solution));
  }

  void add_repeated() {
    const JobShop small = with_microbatches(shop_, 2 * shop_.ranks);
    const Orders unit = solve(small, {}, effort_).orders;
    Dispatcher dispatcher(shop_);
    Solution repeated;
    for (int size = 1; size <= kLargestGroup && size < small.microbatches; ++size) {
      Priorities priorities = repeat_unit(small, unit, size, shop_);
      for (const double patience : {0.0, 0.5, 1.0}) {
        priorities.patience = patience;
        const double makespan = dispatcher.run(priorities);
        if (makespan < repeated.makespan) repeated = {dispatcher.orders(), makespan};
      }
    }
    add(std::move(repeated));
  }

  /// From each start in turn, and every other time from the best so far.
  void anneal() {
    std::ranges::stable_sort(starts_, {}, &Solution::makespan);
    const int rounds = std::max(1, static_cast<int>(kMoves * scale_ / kMovesOfRound));
    Annealer annealer(shop_, kSeed);
    for (int round = 0; round < rounds && !is_optimal(); ++round) {
      const bool from_start = round % 2 == 0;
      const auto turn = static_cast<std::size_t>(round / 2) % starts_.size();
      const Orders start = from_start ? starts_[turn].orders : best_.orders;
      Orders orders = annealer.run(start, {.moves = count(kMoves) / rounds,
                                           .hot = from_start ? kHot : kWarm,
                                           .cold = kCold,
                                           .target = bound_});
      if (annealer.makespan() < best_.makespan) best_ = {std::move(orders), annealer.makespan()};
    }
  }

  const JobShop& shop_;
  double effort_, scale_, bound_;
  Random random_;
  std::vector<Solution> starts_;
  Solution best_;
};

}  // namespace

Solution solve(const JobShop& shop, std::vector<Orders> starts, double effort) {
  return Solver(shop, effort).run(std::move(starts));
}

}  // namespace spillway::pipeline
