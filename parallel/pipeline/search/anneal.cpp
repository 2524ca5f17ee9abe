#include "parallel/pipeline/search/anneal.hpp"

#include <algorithm>
#include <cmath>

namespace spillway::pipeline {
namespace {

/// How far a move beyond its block reaches.
constexpr int kNear = 8;

}  // namespace

Annealer::Annealer(const JobShop& shop, std::uint64_t seed)
    : shop_(shop),
      check_(shop),
      clock_(shop),
      random_(seed),
      microbatch_(static_cast<std::size_t>(shop.ranks)),
      position_(static_cast<std::size_t>(shop.action_count())) {}

Orders Annealer::run(const Orders& start, const Cooling& cooling) {
  orders_ = start;
  Orders best = start;
  makespan_ = best_makespan_ = clock_.run(orders_);
  for (std::size_t rank = 0; rank < orders_.size(); ++rank) number(rank);
  trace_critical_path();
  const double cooler =
      std::pow(cooling.cold / cooling.hot, 1 / static_cast<double>(cooling.moves));
  double temperature = cooling.hot;
  for (long i = 0; i < cooling.moves && best_makespan_ > cooling.target + kTimeSlack; ++i) {
    temperature *= cooler;
    const Move move = draw();
    auto& order = orders_[static_cast<std::size_t>(move.rank)];
    saved_ = order;
    if (!apply(move)) continue;
    const double limit = makespan_ - temperature * std::log(1 - random_.uniform()) + kTimeSlack;
    const double makespan = clock_.run(orders_, limit);
    if (makespan > limit) {
      order = saved_;
      continue;
    }
    makespan_ = makespan;
    number(static_cast<std::size_t>(move.rank));
    trace_critical_path();
    if (makespan_ < best_makespan_ - kTimeSlack) {
      best_makespan_ = makespan_;
      best = orders_;
    }
  }
  return best;
}

Annealer::Move Annealer::draw() {
  const Block& block =
      blocks_[static_cast<std::size_t>(random_.below(static_cast<int>(blocks_.size())))];
  const int size = block.last - block.first + 1;
  const int choice = random_.below(4);
  if (size > 1 && choice < 2) return draw_in_block(block);
  const bool swap = choice % 2 == 1;
  const int length = static_cast<int>(orders_[static_cast<std::size_t>(block.rank)].size());
  const int from = choice == 3 && random_.below(2) == 0 ? random_.below(length)
                                                        : block.first + random_.below(size);
  const int step = 1 + random_.below(kNear);
  return {block.rank, from, from + (random_.below(2) == 0 ? step : -step), swap};
}

/// An action goes to an end of its block, or one from an end goes into it.
Annealer::Move Annealer::draw_in_block(const Block& block) {
  const int end = random_.below(2) == 0 ? block.first : block.last;
  const int offset = random_.below(block.last - block.first);
  const int other = end == block.first ? block.first + 1 + offset : block.first + offset;
  return random_.below(2) == 0 ? Move{block.rank, end, other} : Move{block.rank, other, end};
}

/// False, and nothing done, where the move changes nothing or does not fit.
bool Annealer::apply(const Move& move) {
  auto& order = orders_[static_cast<std::size_t>(move.rank)];
  if (move.to < 0 || move.to >= static_cast<int>(order.size())) return false;
  const auto from = order.begin() + move.from, to = order.begin() + move.to;
  if (*from == *to) return false;
  if (move.swap) {
    std::iter_swap(from, to);
  } else if (from < to) {
    std::rotate(from, from + 1, to + 1);
  } else {
    std::rotate(to, from, from + 1);
  }
  if (check_.holds(order, move.rank)) return true;
  order = saved_;
  return false;
}

/// Which micro-batch stands where on the rank.
void Annealer::number(std::size_t rank) {
  count_.assign(static_cast<std::size_t>(shop_.kind_count()), 0);
  const auto& order = orders_[rank];
  microbatch_[rank].resize(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    const int microbatch = count_[order[i]]++;
    microbatch_[rank][i] = microbatch;
    position_[shop_.cell(order[i], microbatch)] = static_cast<int>(i);
  }
}

double Annealer::end_of(int rank, int position) const {
  const auto r = static_cast<std::size_t>(rank), i = static_cast<std::size_t>(position);
  return clock_.end(orders_[r][i], microbatch_[r][i]);
}

/// One of the ranks that end last.
int Annealer::last_rank() {
  int last = 0, ties = 0;
  for (int rank = 0; rank < shop_.ranks; ++rank) {
    if (clock_.end(rank) == makespan_ && random_.below(++ties) == 0) last = rank;
  }
  return last;
}

/// From the last end back to the start, by the predecessor that each action waited for; where both
/// ended at once, by either.
void Annealer::trace_critical_path() {
  blocks_.clear();
  int rank = last_rank();
  int position = static_cast<int>(orders_[static_cast<std::size_t>(rank)].size()) - 1;
  int last = position;
  while (true) {
    const auto r = static_cast<std::size_t>(rank), i = static_cast<std::size_t>(position);
    const Kind kind = orders_[r][i];
    const int input = shop_.input[kind], microbatch = microbatch_[r][i];
    const double before = position > 0 ? end_of(rank, position - 1) : -1;
    const double arrival =
        input < 0 ? -1 : clock_.end(static_cast<Kind>(input), microbatch) + shop_.latency[kind];
    if (before > arrival || (before == arrival && position > 0 && random_.below(2) == 0)) {
      --position;
      continue;
    }
    blocks_.push_back({rank, position, last});
    if (input < 0) return;
    rank = shop_.rank_of[static_cast<std::size_t>(input)];
    position = last = position_[shop_.cell(input, microbatch)];
  }
}

}  // namespace spillway::pipeline
