#include "parallel/pipeline/schedules/dual_pipe_v.hpp"

#include <algorithm>
#include <set>

#include "parallel/pipeline/schedules/shorten.hpp"
#include "parallel/pipeline/schedules/v_rank.hpp"

namespace spillway::pipeline {
namespace {

/// One rank's order; needs microbatches >= 2 ranks.
class Order {
 public:
  Order(int rank, int ranks, int microbatches, std::set<Action>& overlapped)
      : v_(rank, ranks),
        rank_(rank),
        behind_(ranks - 1 - rank),
        microbatches_(microbatches),
        ranks_(ranks),
        overlapped_(overlapped) {}

  const std::vector<Action>& run() {
    warm_up();
    steady();
    cool_down();
    return v_.actions();
  }

 private:
  /// Phases 1-3: forwards of chunk 0, forwards of both, then I W F of chunk 1.
  void warm_up() {
    for (int i = 0; i < 2 * behind_; ++i) v_.add(0, Op::forward);
    for (int i = 0; i <= rank_; ++i) {
      v_.add(0, Op::forward);
      v_.add(1, Op::forward);
    }
    for (int i = 0; i < behind_; ++i) {
      v_.add(1, Op::backward_input);
      v_.add(1, Op::backward_weight);
      v_.add(1, Op::forward);
    }
  }

  /// Phases 4 and 5: F of chunk 0 beside B of chunk 1 and the other way round, then, out of new
  /// micro-batches, B of chunk 1 and F of chunk 1 beside B of chunk 0. The last rank keeps its
  /// first pair apart, which lets the gradient go earlier.
  void steady() {
    for (int i = 0; i < microbatches_ - 2 * ranks_ + rank_ + 1; ++i) {
      pair(0, 1, i > 0 || behind_ > 0);
      pair(1, 0, true);
    }
    for (int i = 0; i < behind_; ++i) {
      v_.add(1, Op::backward);
      pair(1, 0, true);
    }
  }

  /// Phases 6-8: backwards of both chunks, the second half of them without W; then a pending W
  /// before each backward of chunk 0; then the remaining Ws.
  void cool_down() {
    for (int i = 0; i < 2 * (rank_ + 1); ++i) backward(i % 2 == 0 ? 1 : 0, i <= rank_);
    for (int i = 0; i < behind_; ++i) {
      weight();
      backward(0, false);
    }
    while (pending_ < split_.size()) weight();
  }

  void pair(int forward_chunk, int backward_chunk, bool overlap) {
    const Action forward = v_.add(forward_chunk, Op::forward);
    if (overlap) overlapped_.insert(forward);
    v_.add(backward_chunk, Op::backward);
  }

  void backward(int chunk, bool whole) {
    v_.add(chunk, whole ? Op::backward : Op::backward_input);
    if (!whole) split_.push_back(chunk);
  }

  void weight() { v_.add(split_[pending_++], Op::backward_weight); }

  VRank v_;
  int rank_;
  int behind_;  ///< ranks behind this one
  int microbatches_;
  int ranks_;
  std::set<Action>& overlapped_;
  std::vector<int> split_;   ///< chunks of the Is, in order
  std::size_t pending_ = 0;  ///< the first of them whose W has not run
};

}  // namespace

Schedule dual_pipe_v(int ranks, int microbatches) {
  const int enough = std::max(microbatches, 2 * ranks);
  Schedule schedule;
  for (int rank = 0; rank < ranks; ++rank) {
    schedule.ranks.push_back(Order(rank, ranks, enough, schedule.overlapped).run());
  }
  return first_microbatches(schedule, microbatches);
}

}  // namespace spillway::pipeline
