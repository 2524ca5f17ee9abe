#include "parallel/pipeline/search/policy.hpp"

#include <algorithm>

namespace spillway::pipeline {
namespace {

constexpr int kNoLimit = std::numeric_limits<int>::max();

/// Rarely more than an action's length: waiting longer wastes more than it can win.
double draw_patience(Random& random) { return random.below(2) == 0 ? 0 : 1.2 * random.uniform(); }

}  // namespace

Priorities priorities_of(const Policy& policy, const JobShop& shop) {
  Priorities priorities{.due = std::vector<double>(static_cast<std::size_t>(shop.action_count())),
                        .launch = policy.launch,
                        .patience = policy.patience,
                        .in_flight = policy.in_flight};
  for (int kind = 0; kind < shop.kind_count(); ++kind) {
    for (int j = 0; j < shop.microbatches; ++j) {
      priorities.due[shop.cell(kind, j)] =
          policy.offset[static_cast<std::size_t>(kind)] + j * policy.period;
    }
  }
  return priorities;
}

PolicyMaker::PolicyMaker(const JobShop& shop) : shop_(shop) {}

/// The least time between micro-batches that work and slots allow if the chain is stretched.
double PolicyMaker::pace(double stretch) const {
  double period = 1;
  for (std::size_t rank = 0; rank < shop_.kinds.size(); ++rank) {
    double life = 0;
    for (const Kind kind : shop_.kinds[rank]) {
      if (!is_forward(kind)) continue;
      life += stretch * (shop_.chain[kind + 1U] - shop_.chain[kind]) + shop_.length[kind + 1U] +
              shop_.length[kind + 2U];
    }
    period = std::max(period, life / shop_.slots[rank]);
  }
  return period;
}

Policy PolicyMaker::draw(Random& random) const {
  const double stretch = 1 + 0.6 * random.uniform();
  const double weight_delay = 2 * random.uniform();
  const double noise = random.below(2) == 0 ? 0 : 0.5 * random.uniform();
  const bool ranked = random.below(3) == 0;
  Policy policy{.period = ranked ? 0 : pace(stretch)};
  for (int kind = 0; kind < shop_.kind_count(); ++kind) {
    constexpr double kRank[] = {0.5, 0, 1};
    const double follow = stretch * shop_.chain[static_cast<std::size_t>(kind)] +
                          (kind % 3 == 2 ? weight_delay : 0) + noise * random.uniform();
    policy.offset.push_back(ranked ? kRank[kind % 3] + random.uniform() : follow);
  }
  policy.launch = random.below(2) == 0 ? 0 : pace(stretch) * (0.9 + 0.2 * random.uniform());
  policy.patience = draw_patience(random);
  for (int stage = 0; stage < shop_.stages; ++stage) {
    const bool limited = ranked && random.below(2) == 0;
    policy.in_flight.push_back(limited ? 1 + random.below(most_in_flight(stage)) : kNoLimit);
  }
  return policy;
}

void PolicyMaker::vary(Policy& policy, Random& random) const {
  for (int n = 1 + random.below(3); n > 0; --n) {
    switch (random.below(6)) {
      case 0:
        policy.patience = draw_patience(random);
        break;
      case 1:
        policy.period *= 0.9 + 0.2 * random.uniform();
        break;
      case 2:
        policy.launch *= random.below(4) == 0 ? 0 : 0.95 + 0.1 * random.uniform();
        break;
      case 3:
        vary_limit(policy, random.below(shop_.stages), random);
        break;
      default:
        const auto kind = static_cast<std::size_t>(random.below(shop_.kind_count()));
        policy.offset[kind] += random.uniform() - 0.5;
    }
  }
}

int PolicyMaker::most_in_flight(int stage) const {
  const auto rank = static_cast<std::size_t>(shop_.rank_of[static_cast<std::size_t>(3 * stage)]);
  return std::min({shop_.slots[rank], 2 * shop_.stages, shop_.microbatches});
}

void PolicyMaker::vary_limit(Policy& policy, int stage, Random& random) const {
  int& limit = policy.in_flight[static_cast<std::size_t>(stage)];
  const int step = random.below(2) == 0 ? 1 : -1;
  limit =
      random.below(4) == 0 ? kNoLimit : std::max(1, std::min(limit, most_in_flight(stage)) + step);
}

}  // namespace spillway::pipeline
