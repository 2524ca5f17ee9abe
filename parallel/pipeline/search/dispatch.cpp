#include "parallel/pipeline/search/dispatch.hpp"

#include <algorithm>

namespace spillway::pipeline {
namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

}  // namespace

Dispatcher::Dispatcher(const JobShop& shop)
    : shop_(shop),
      ends_(static_cast<std::size_t>(shop.action_count())),
      orders_(static_cast<std::size_t>(shop.ranks)) {}

double Dispatcher::run(const Priorities& priorities) {
  priorities_ = &priorities;
  reset();
  for (std::size_t left = ends_.size(); left > 0;) {
    const auto first = std::ranges::min_element(next_);
    if (step(static_cast<std::size_t>(first - next_.begin()))) --left;
  }
  return *std::ranges::max_element(clocks_);
}

void Dispatcher::reset() {
  done_.assign(static_cast<std::size_t>(shop_.kind_count()), 0);
  held_.assign(orders_.size(), 0);
  clocks_.assign(orders_.size(), 0);
  next_.assign(orders_.size(), 0);
  for (std::size_t rank = 0; rank < orders_.size(); ++rank) {
    orders_[rank].clear();
    look(rank);
  }
}

double Dispatcher::due(Kind kind) const { return priorities_->due[shop_.cell(kind, done_[kind])]; }

/// When the next micro-batch of the kind could start, as far as that is known.
double Dispatcher::ready_at(Kind kind) const {
  const int microbatch = done_[kind];
  if (microbatch == shop_.microbatches) return kNever;
  double at = 0;
  if (is_forward(kind)) {
    const int most = priorities_->in_flight[static_cast<std::size_t>(stage_of(kind))];
    if (microbatch - done_[kind + 2U] >= most || !is_safe(kind)) return kNever;
    if (kind == 0) at = microbatch * priorities_->launch;
  } else if (done_[kind - 1U] <= microbatch) {
    return kNever;
  }
  const int input = shop_.input[kind];
  if (input < 0) return at;
  if (done_[static_cast<std::size_t>(input)] <= microbatch) return kNever;
  return std::max(at, ends_[shop_.cell(input, microbatch)] + shop_.latency[kind]);
}

bool Dispatcher::is_safe(Kind forward) const {
  const int rank = shop_.rank_of[forward];
  const int free =
      shop_.slots[static_cast<std::size_t>(rank)] - held_[static_cast<std::size_t>(rank)] - 1;
  return free >= shop_.stages_on(rank) - 1 || (free >= 0 && can_all_end(forward, free));
}

/// Whether, after one more `forward`, the rank's micro-batches in flight can end one by one.
bool Dispatcher::can_all_end(Kind forward, int free) const {
  const auto& kinds = shop_.kinds[static_cast<std::size_t>(shop_.rank_of[forward])];
  const auto started = [&](Kind kind) { return done_[kind] + (kind == forward ? 1 : 0); };
  int oldest = shop_.microbatches, newest = 0;
  for (const Kind kind : kinds) {
    if (is_weight(kind)) oldest = std::min(oldest, done_[kind]);
    if (is_forward(kind)) newest = std::max(newest, started(kind));
  }
  for (int microbatch = oldest; microbatch < newest; ++microbatch) {
    int wants = 0, holds = 0;
    for (const Kind kind : kinds) {
      if (!is_forward(kind)) continue;
      if (started(kind) <= microbatch) {
        ++wants;
      } else if (done_[kind + 2U] <= microbatch) {
        ++holds;
      }
    }
    if (wants > free) return false;
    free += holds;
  }
  return true;
}

void Dispatcher::look(std::size_t rank) {
  double at = kNever;
  for (const Kind kind : shop_.kinds[rank]) at = std::min(at, ready_at(kind));
  next_[rank] = std::max(at, clocks_[rank]);
}

/// Starts the most urgent action at the rank's next time, or puts that off; false if so.
bool Dispatcher::step(std::size_t rank) {
  const double now = next_[rank];
  Kind chosen = 0;
  double urgency = kNever;
  for (const Kind kind : shop_.kinds[rank]) {
    if (ready_at(kind) > now + kTimeSlack || due(kind) >= urgency) continue;
    urgency = due(kind);
    chosen = kind;
  }
  double until = now + priorities_->patience * shop_.length[chosen];
  bool wait = false;
  for (const Kind kind : shop_.kinds[rank]) {
    const double at = ready_at(kind);
    if (at <= now + kTimeSlack || at >= until - kTimeSlack || due(kind) >= urgency) continue;
    until = at;
    wait = true;
  }
  if (wait) {
    next_[rank] = clocks_[rank] = until;
    return false;
  }
  start(chosen, rank, now);
  return true;
}

void Dispatcher::start(Kind kind, std::size_t rank, double at) {
  clocks_[rank] = at + shop_.length[kind];
  ends_[shop_.cell(kind, done_[kind]++)] = clocks_[rank];
  orders_[rank].push_back(kind);
  if (is_forward(kind)) ++held_[rank];
  if (is_weight(kind)) --held_[rank];
  look(rank);
  const int output = shop_.output[kind];
  if (output < 0) return;
  const auto other = static_cast<std::size_t>(shop_.rank_of[static_cast<std::size_t>(output)]);
  if (other != rank) look(other);
}

}  // namespace spillway::pipeline
