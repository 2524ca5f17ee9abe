#include "parallel/pipeline/search/job_shop.hpp"

#include <algorithm>
#include <cmath>

namespace spillway::pipeline {
namespace {

std::size_t index(int n) { return static_cast<std::size_t>(n); }

/// Links F to the F of the stage before and I to the I of the stage behind.
void link(JobShop& shop, int kind, int input, double hop) {
  shop.input[index(kind)] = input;
  shop.output[index(input)] = kind;
  const bool same_rank = shop.rank_of[index(kind)] == shop.rank_of[index(input)];
  shop.latency[index(kind)] = same_rank ? 0 : hop;
}

void fill_chain(JobShop& shop) {
  double time = 0;
  for (int stage = 0; stage < shop.stages; ++stage) {
    const std::size_t forward = index(3 * stage);
    shop.chain[forward] = time += shop.latency[forward];
    time += shop.length[forward];
  }
  for (int stage = shop.stages; stage-- > 0;) {
    const std::size_t gradient = index(3 * stage + 1);
    shop.chain[gradient] = time += shop.latency[gradient];
    shop.chain[gradient + 1] = time += shop.length[gradient];
  }
}

double work_of(const JobShop& shop, int rank) {
  double work = 0;
  for (const Kind kind : shop.kinds[index(rank)]) work += shop.length[kind];
  return work;
}

/// The bounds of one rank.
class RankBound {
 public:
  RankBound(const JobShop& shop, int rank) : shop_(shop), rank_(rank) {
    for (const Kind kind : shop.kinds[index(rank)]) {
      if (is_forward(kind)) add_stage(kind);
    }
  }

  double value() const {
    const double m = shop_.microbatches, slots = shop_.slots[index(rank_)];
    const double work = m * work_of(shop_, rank_);
    // Before the first gradient there are only forwards, as many as slots; likewise at the end.
    const double before =
        std::max(head_, gradient_ - std::min(slots * longest_forward_, m * forwards_));
    const double after = std::max(0.0, tail_ - std::min(slots * longest_weight_, m * weights_));
    const double held = shop_.stages_on(rank_) == 1 ? std::ceil(m / slots) : m / slots;
    return std::max(before + work + after, head_ + held * life_);
  }

 private:
  void add_stage(int forward) {
    const auto& length = shop_.length;
    const double made = shop_.chain[index(forward + 2)];  // when the gradient is there
    head_ = std::min(head_, shop_.chain[index(forward)]);
    gradient_ = std::min(gradient_, made - length[index(forward + 1)]);
    tail_ = std::min(tail_, shop_.chain[2] + length[2] - made);
    life_ += made + length[index(forward + 2)] - shop_.chain[index(forward)];
    forwards_ += length[index(forward)];
    weights_ += length[index(forward + 2)];
    longest_forward_ = std::max(longest_forward_, length[index(forward)]);
    longest_weight_ = std::max(longest_weight_, length[index(forward + 2)]);
  }

  const JobShop& shop_;
  int rank_;
  double head_ = INFINITY, gradient_ = INFINITY, tail_ = INFINITY;
  double life_ = 0, forwards_ = 0, weights_ = 0, longest_forward_ = 0, longest_weight_ = 0;
};

}  // namespace

JobShop make_job_shop(const std::vector<int>& rank_of_stage, const Costs& costs, int microbatches,
                      std::vector<int> slots) {
  JobShop shop{.ranks = static_cast<int>(slots.size()),
               .stages = static_cast<int>(rank_of_stage.size()),
               .microbatches = microbatches,
               .slots = std::move(slots)};
  const std::size_t kinds = index(shop.kind_count());
  shop.rank_of.resize(kinds);
  shop.length.resize(kinds);
  shop.input.assign(kinds, -1);
  shop.output.assign(kinds, -1);
  shop.latency.assign(kinds, 0);
  shop.chain.resize(kinds);
  shop.kinds.resize(index(shop.ranks));
  for (std::size_t kind = 0; kind < kinds; ++kind) {
    const StageCosts& stage = costs.stages[kind / 3];
    const double halves[] = {stage.forward, stage.backward_input, stage.backward_weight};
    shop.length[kind] = halves[kind % 3];
    shop.rank_of[kind] = rank_of_stage[kind / 3];
    shop.kinds[index(shop.rank_of[kind])].push_back(static_cast<Kind>(kind));
  }
  double slowest = 0;
  for (int rank = 0; rank < shop.ranks; ++rank) slowest = std::max(slowest, work_of(shop, rank));
  if (slowest > 0) shop.unit_seconds = slowest;
  for (double& length : shop.length) length /= shop.unit_seconds;
  for (int stage = 0; stage + 1 < shop.stages; ++stage) {
    link(shop, 3 * stage + 3, 3 * stage, costs.hop_seconds / shop.unit_seconds);
    link(shop, 3 * stage + 1, 3 * stage + 4, costs.hop_seconds / shop.unit_seconds);
  }
  fill_chain(shop);
  return shop;
}

JobShop with_microbatches(const JobShop& shop, int microbatches) {
  JobShop other = shop;
  other.microbatches = microbatches;
  return other;
}

double lower_bound(const JobShop& shop) {
  double bound = shop.chain[2] + shop.length[2];
  for (int rank = 0; rank < shop.ranks; ++rank) {
    bound = std::max(bound, RankBound(shop, rank).value());
  }
  return bound;
}

}  // namespace spillway::pipeline
