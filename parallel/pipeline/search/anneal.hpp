#pragma once

#include "parallel/pipeline/search/orders.hpp"
#include "parallel/pipeline/search/random.hpp"

namespace spillway::pipeline {

/// How long and how hot; temperatures in units of the shop.
struct Cooling {
  long moves = 0;
  double hot = 0;
  double cold = 0;
  double target = 0;  ///< stops at this makespan
};

/// Simulated annealing of the orders (van Laarhoven et al. 1992, "Job shop scheduling by simulated
/// annealing", sections 3-4) with moves of the blocks of a critical path (Nowicki, Smutnicki 1996,
/// "A fast taboo search algorithm for the job shop problem", section 3), and, because full ranks
/// leave few of those, also moves and swaps of near actions. An order that needs more slots than
/// there are is never entered.
class Annealer {
 public:
  Annealer(const JobShop& shop, std::uint64_t seed);

  /// From orders that fit and do not deadlock to the best found, which are no longer.
  Orders run(const Orders& start, const Cooling& cooling);
  double makespan() const { return best_makespan_; }

 private:
  /// Actions that follow each other without idling on one rank of the critical path.
  struct Block {
    int rank = 0;
    int first = 0;
    int last = 0;
  };
  struct Move {
    int rank = 0;
    int from = 0;
    int to = 0;
    bool swap = false;  ///< of the two; else one goes to where the other stands
  };

  Move draw();
  Move draw_in_block(const Block& block);
  bool apply(const Move& move);
  void number(std::size_t rank);
  void trace_critical_path();
  int last_rank();
  double end_of(int rank, int position) const;

  const JobShop& shop_;
  RankCheck check_;
  OrderClock clock_;
  Random random_;
  Orders orders_;
  std::vector<std::vector<int>> microbatch_;  ///< by rank and position
  std::vector<int> position_;                 ///< by cell
  std::vector<Block> blocks_;
  std::vector<Kind> saved_;
  std::vector<int> count_;
  double makespan_ = 0, best_makespan_ = 0;
};

}  // namespace spillway::pipeline
