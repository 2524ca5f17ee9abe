#include "parallel/pipeline/simulate.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <map>

#include "parallel/pipeline/route.hpp"

namespace spillway::pipeline {
namespace {

constexpr double kNotYet = std::numeric_limits<double>::quiet_NaN();

std::string describe(const std::vector<Blocked>& blocked) {
  std::string text = "the schedule deadlocks: ";
  for (std::size_t i = 0; i < blocked.size(); ++i) {
    const Blocked& one = blocked[i];
    text += (i == 0 ? "rank " : "; rank ") + std::to_string(one.place.rank) + " stands at " +
            to_string(one.action) + " (action " + std::to_string(one.place.position + 1) + "), " +
            one.reason;
  }
  return text;
}

/// Messages of one route: posted at either end, carried in order.
struct Lane {
  std::vector<Place> sends, receives;
  std::size_t carried = 0;
  double free_at = 0;
};

/// The ranks' clocks, advanced in any order that respects the dependencies: clocks only meet at
/// arrivals, so order does not matter.
class Simulator {
 public:
  Simulator(const Schedule& schedule, const Costs& costs)
      : schedule_(schedule),
        costs_(costs),
        placement_(rank_of_stage(schedule)),
        microbatches_(count_microbatches(schedule)),
        next_(schedule.ranks.size()),
        clocks_(schedule.ranks.size()),
        done_(kOps, std::vector<double>(placement_.size() * to_size(microbatches_), kNotYet)) {
    if (costs.stages.size() != placement_.size()) {
      fail_input("costs of " + std::to_string(costs.stages.size()) + " stages given for " +
                 std::to_string(placement_.size()) + " stages");
    }
    for (const auto& actions : schedule.ranks) timelines_.emplace_back(actions.size());
  }

  Simulation run() {
    for (std::size_t rank = 0; rank < next_.size(); ++rank)
      ready_.push_back(static_cast<int>(rank));
    while (!ready_.empty()) {
      const int rank = ready_.front();
      ready_.pop_front();
      advance(rank);
    }
    throw_if_blocked();
    return summarize();
  }

 private:
  static std::size_t to_size(int n) { return static_cast<std::size_t>(n); }
  int ranks() const { return static_cast<int>(schedule_.ranks.size()); }
  const std::vector<Action>& actions(int rank) const { return schedule_.ranks[to_size(rank)]; }
  TimedAction& timed(Place place) {
    return timelines_[to_size(place.rank)][to_size(place.position)];
  }

  /// When the action was done (RECV: arrived); NaN before. Actions of stages that do not exist are
  /// never done.
  double& done(Action action) {
    const std::size_t cell =
        to_size(action.stage) * to_size(microbatches_) + to_size(action.microbatch);
    return done_[static_cast<std::size_t>(action.op)][cell];
  }
  bool is_done(Action action) { return !std::isnan(done(action)); }

  /// Runs the rank's actions until one has to wait.
  void advance(int rank) {
    std::size_t& next = next_[to_size(rank)];
    for (; next < actions(rank).size(); ++next) {
      const Place place{rank, static_cast<int>(next)};
      const Action action = actions(rank)[next];
      if (unmet(action)) return;
      if (is_send(action.op) || is_recv(action.op)) {
        post(action, place);
      } else {
        compute(action, place);
      }
    }
  }

  /// The first input of the action that is not there yet.
  std::optional<Action> unmet(Action a) {
    const auto missing = [this](Action input) {
      return is_done(input) ? std::nullopt : std::optional(input);
    };
    switch (a.op) {
      case Op::forward:
        return a.stage == 0 ? std::nullopt : unmet_from(a.stage - 1, Op::recv_forward, a);
      case Op::backward:
      case Op::backward_input:
        if (const auto forward = missing({a.stage, Op::forward, a.microbatch})) return forward;
        return a.stage + 1 == static_cast<int>(placement_.size())
                   ? std::nullopt
                   : unmet_from(a.stage + 1, Op::recv_backward, a);
      case Op::backward_weight:
        return missing({a.stage, Op::backward_input, a.microbatch});
      case Op::recompute:
      case Op::send_forward:
        return missing({a.stage, Op::forward, a.microbatch});
      case Op::send_backward:
        return missing_gradient(a.stage, a.microbatch);
      default:
        return std::nullopt;
    }
  }

  /// What `neighbour` makes for the compute action `a`, unless it is there: through `recv`, or on
  /// this rank.
  std::optional<Action> unmet_from(int neighbour, Op recv, Action a) {
    if (!is_local(a.stage, neighbour, placement_)) {
      const Action message{a.stage, recv, a.microbatch};
      return is_done(message) ? std::nullopt : std::optional(message);
    }
    if (a.op != Op::forward) return missing_gradient(neighbour, a.microbatch);
    const Action forward{neighbour, Op::forward, a.microbatch};
    return is_done(forward) ? std::nullopt : std::optional(forward);
  }

  std::optional<Action> missing_gradient(int stage, int microbatch) {
    const Action whole{stage, Op::backward, microbatch};
    const bool made = is_done(whole) || is_done({stage, Op::backward_input, microbatch});
    return made ? std::nullopt : std::optional(whole);
  }

  double arrival(Action action) {
    Action message = action;
    if (action.op == Op::forward) message.op = Op::recv_forward;
    if (makes_input_gradient(action.op)) message.op = Op::recv_backward;
    const double at = done(message);
    return is_recv(message.op) && !std::isnan(at) ? at : 0;
  }

  void compute(Action action, Place place) {
    double& clock = clocks_[to_size(place.rank)];
    const double start = std::max(clock, arrival(action));
    const double end = start + costs_.stages[to_size(action.stage)].of(action.op);
    timed(place) = {.action = action, .start = start, .end = end, .waited = start - clock};
    done(action) = clock = end;
  }

  void post(Action action, Place place) {
    const auto route = route_of(action, placement_, ranks());
    if (!route) fail_input(to_string(action) + ": the two stages are not on neighbouring ranks");
    const double now = clocks_[to_size(place.rank)];
    timed(place) = {.action = action, .start = now, .end = now};
    if (is_send(action.op)) done(action) = now;
    Lane& lane = lanes_[*route];
    (is_send(action.op) ? lane.sends : lane.receives).push_back(place);
    carry(*route, lane);
  }

  /// Carries the messages of the route that are posted at both ends.
  void carry(const Route& route, Lane& lane) {
    while (lane.carried < std::min(lane.sends.size(), lane.receives.size())) {
      TimedAction& send = timed(lane.sends[lane.carried]);
      TimedAction& recv = timed(lane.receives[lane.carried]);
      ++lane.carried;
      if (counterpart(send.action) != recv.action) {
        fail_input(to_string(route) + ": message " + std::to_string(lane.carried) + " is sent as " +
                   to_string(send.action) + " but received as " + to_string(recv.action));
      }
      const bool waits = costs_.sends == Sends::rendezvous;
      const double ready = waits ? std::max(send.start, recv.start) : send.start;
      lane.free_at = std::max(ready, lane.free_at) + costs_.edge_bytes / costs_.bytes_per_second;
      send.end = lane.free_at + costs_.hop_seconds;
      recv.end = std::max(recv.start, send.end);
      done(recv.action) = recv.end;
      ready_.push_back(route.to);
    }
  }

  std::string reason(Action input) {
    if (is_recv(input.op)) {
      const auto route = route_of(input, placement_, ranks());
      return "waits for " + to_string(input) +
             (route ? " from rank " + std::to_string(route->from) : " from nowhere");
    }
    return "waits for " + to_string(input) + ", which does not come before it on this rank";
  }

  void throw_if_blocked() {
    std::vector<Blocked> blocked;
    for (int rank = 0; rank < ranks(); ++rank) {
      const std::size_t next = next_[to_size(rank)];
      if (next == actions(rank).size()) continue;
      const Action action = actions(rank)[next];
      blocked.push_back({{rank, static_cast<int>(next)}, action, reason(*unmet(action))});
    }
    if (!blocked.empty()) throw Deadlock(std::move(blocked));
  }

  double peak(int rank) const {
    return static_cast<double>(most_activations(actions(rank))) * ranks() /
           static_cast<double>(placement_.size());
  }

  Simulation summarize() {
    Simulation result;
    for (const Timeline& timeline : timelines_) {
      result.makespan = std::max(result.makespan, span(timeline));
    }
    for (int rank = 0; rank < ranks(); ++rank) {
      result.usage.push_back(usage(timelines_[to_size(rank)], result.makespan));
      result.peak_activations.push_back(peak(rank));
    }
    result.ranks = std::move(timelines_);
    return result;
  }

  const Schedule& schedule_;
  const Costs& costs_;
  std::vector<int> placement_;
  int microbatches_;
  std::vector<std::size_t> next_;
  std::vector<double> clocks_;
  std::vector<std::vector<double>> done_;
  std::vector<Timeline> timelines_;
  std::map<Route, Lane> lanes_;
  std::deque<int> ready_;
};

}  // namespace

double StageCosts::of(Op op) const {
  switch (op) {
    case Op::forward:
      return forward;
    case Op::backward_input:
      return backward_input;
    case Op::backward_weight:
      return backward_weight;
    case Op::backward:
      return backward;
    case Op::recompute:
      return recompute;
    default:
      return 0;
  }
}

Costs uniform_costs(int stages, double forward, double backward_input, double backward_weight) {
  const StageCosts one{.forward = forward,
                       .backward_input = backward_input,
                       .backward_weight = backward_weight,
                       .backward = backward_input + backward_weight,
                       .recompute = forward};
  return {.stages = std::vector<StageCosts>(static_cast<std::size_t>(stages), one)};
}

Deadlock::Deadlock(std::vector<Blocked> blocked)
    : Error(ErrorKind::input, describe(blocked)), blocked_(std::move(blocked)) {}

Simulation simulate(const Schedule& lowered, const Costs& costs) {
  return Simulator(lowered, costs).run();
}

}  // namespace spillway::pipeline
