#include "parallel/pipeline/search/orders.hpp"

#include <algorithm>

namespace spillway::pipeline {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

}  // namespace

Orders to_orders(const Schedule& compute, const JobShop& shop) {
  Orders orders(static_cast<std::size_t>(shop.ranks));
  for (std::size_t rank = 0; rank < orders.size(); ++rank) {
    for (const Action& action : compute.ranks[rank]) {
      const int forward = 3 * action.stage;
      if (action.op == Op::forward) orders[rank].push_back(static_cast<Kind>(forward));
      if (makes_input_gradient(action.op)) orders[rank].push_back(static_cast<Kind>(forward + 1));
      if (adds_weight_gradient(action.op)) orders[rank].push_back(static_cast<Kind>(forward + 2));
    }
  }
  return orders;
}

Schedule to_schedule(const Orders& orders, const JobShop& shop) {
  constexpr Op kOpOf[] = {Op::forward, Op::backward_input, Op::backward_weight};
  std::vector<int> count(static_cast<std::size_t>(shop.kind_count()));
  Schedule schedule;
  for (const auto& order : orders) {
    auto& actions = schedule.ranks.emplace_back();
    for (const Kind kind : order) {
      actions.push_back({stage_of(kind), kOpOf[kind % 3], count[kind]++});
    }
  }
  return schedule;
}

Orders expand_groups(const Orders& groups, int size, const JobShop& shop) {
  std::vector<int> left(static_cast<std::size_t>(shop.kind_count()), shop.microbatches);
  Orders orders(groups.size());
  for (std::size_t rank = 0; rank < groups.size(); ++rank) {
    for (const Kind kind : groups[rank]) {
      const int members = std::min(size, left[kind]);
      left[kind] -= members;
      orders[rank].insert(orders[rank].end(), static_cast<std::size_t>(members), kind);
    }
  }
  return orders;
}

bool RankCheck::holds(const std::vector<Kind>& order, int rank) {
  done_.assign(static_cast<std::size_t>(shop_.kind_count()), 0);
  int free = shop_.slots[static_cast<std::size_t>(rank)];
  for (const Kind kind : order) {
    if (is_forward(kind)) {
      if (--free < 0) return false;
    } else {
      if (done_[kind - 1U] <= done_[kind]) return false;
      if (is_weight(kind)) ++free;
    }
    ++done_[kind];
  }
  return true;
}

bool fits(const Orders& orders, const JobShop& shop) {
  RankCheck check(shop);
  for (int rank = 0; rank < shop.ranks; ++rank) {
    if (!check.holds(orders[static_cast<std::size_t>(rank)], rank)) return false;
  }
  return true;
}

OrderClock::OrderClock(const JobShop& shop)
    : shop_(shop),
      ends_(static_cast<std::size_t>(shop.action_count())),
      done_(static_cast<std::size_t>(shop.kind_count())),
      next_(static_cast<std::size_t>(shop.ranks)),
      clocks_(next_.size()),
      work_(next_.size()) {
  for (std::size_t rank = 0; rank < next_.size(); ++rank) {
    for (const Kind kind : shop.kinds[rank]) work_[rank] += shop.length[kind] * shop.microbatches;
  }
}

double OrderClock::run(const Orders& orders, double limit) {
  std::ranges::fill(done_, 0);
  std::ranges::fill(next_, 0);
  std::ranges::fill(clocks_, 0);
  remaining_ = work_;
  std::size_t left = ends_.size();
  while (left > 0) {
    const std::size_t before = left;
    for (std::size_t rank = 0; rank < orders.size(); ++rank) {
      const std::size_t from = next_[rank];
      if (!advance(orders[rank], rank, limit)) return kNever;
      left -= next_[rank] - from;
    }
    if (left == before) return kNever;
  }
  return *std::ranges::max_element(clocks_);
}

/// Runs the rank's actions until one has to wait; false if the rank cannot end within the limit.
bool OrderClock::advance(const std::vector<Kind>& order, std::size_t rank, double limit) {
  double clock = clocks_[rank], remaining = remaining_[rank];
  std::size_t next = next_[rank];
  for (; next < order.size(); ++next) {
    const Kind kind = order[next];
    const int microbatch = done_[kind], input = shop_.input[kind];
    if (input >= 0) {
      if (done_[static_cast<std::size_t>(input)] <= microbatch) break;
      const double arrival = ends_[shop_.cell(input, microbatch)] + shop_.latency[kind];
      if (arrival > clock) {
        clock = arrival;
        if (clock + remaining > limit) return false;
      }
    }
    clock += shop_.length[kind];
    remaining -= shop_.length[kind];
    ends_[shop_.cell(kind, microbatch)] = clock;
    ++done_[kind];
  }
  next_[rank] = next;
  clocks_[rank] = clock;
  remaining_[rank] = remaining;
  return true;
}

}  // namespace spillway::pipeline
