#include "parallel/pipeline/schedules/zbv.hpp"

#include <algorithm>

#include "parallel/pipeline/schedules/shorten.hpp"
#include "parallel/pipeline/schedules/v_rank.hpp"

namespace spillway::pipeline {
namespace {

void forward_and_backward(VRank& rank, int chunk) {
  rank.add(chunk, Op::forward);
  rank.add(chunk, Op::backward_input);
  rank.add(chunk, Op::backward_weight);
}

void warm_up(VRank& v, int rank, int ranks) {
  for (int i = 0; i < 2 * (ranks - rank) - 1; ++i) v.add(0, Op::forward);
  for (int i = 0; i < rank; ++i) {
    v.add(1, Op::forward);
    v.add(0, Op::forward);
  }
  for (int i = rank; i < ranks; ++i) forward_and_backward(v, 1);
}

void cool_down(VRank& v, int rank, int ranks, int microbatches) {
  for (int i = 0; i < rank; ++i) {
    v.add(0, Op::backward_input);
    v.add(1, Op::backward_input);
  }
  for (int i = rank; i < ranks; ++i) {
    v.add(0, Op::backward_input);
    v.add(0, Op::backward_weight);
  }
  for (const int chunk : {1, 0}) {
    while (v.count(chunk, Op::backward_weight) < microbatches) v.add(chunk, Op::backward_weight);
  }
}

/// Needs microbatches >= 2 ranks - 1, which fill the warmup.
std::vector<Action> full_order(int rank, int ranks, int microbatches) {
  VRank v(rank, ranks);
  warm_up(v, rank, ranks);
  while (v.count(1, Op::forward) < microbatches) {
    if (v.count(0, Op::forward) < microbatches) v.add(0, Op::forward);
    v.add(0, Op::backward_input);
    v.add(0, Op::backward_weight);
    forward_and_backward(v, 1);
  }
  cool_down(v, rank, ranks, microbatches);
  return v.actions();
}

}  // namespace

Schedule zbv(int ranks, int microbatches) {
  const int enough = std::max(microbatches, 2 * ranks - 1);
  Schedule schedule;
  for (int rank = 0; rank < ranks; ++rank) {
    schedule.ranks.push_back(full_order(rank, ranks, enough));
  }
  return first_microbatches(schedule, microbatches);
}

}  // namespace spillway::pipeline
