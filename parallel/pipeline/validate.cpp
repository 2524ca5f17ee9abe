#include "parallel/pipeline/validate.hpp"

#include <algorithm>
#include <map>

#include "configs/error.hpp"
#include "parallel/pipeline/grid.hpp"
#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/route.hpp"
#include "parallel/pipeline/validate_compute.hpp"

namespace spillway::pipeline {
namespace {

/// What a lowered schedule adds to the compute: messages and reductions.
class LoweredCheck {
 public:
  LoweredCheck(const Schedule& lowered, const ScheduleShape& shape)
      : lowered_(lowered), shape_(shape), places_(lowered), placement_(rank_of_stage(lowered)) {}

  std::vector<Fault> run() {
    for (int rank = 0; rank < shape_.ranks; ++rank) {
      const auto& actions = lowered_.ranks[static_cast<std::size_t>(rank)];
      for (std::size_t i = 0; i < actions.size(); ++i) {
        check_action(actions[i], {rank, static_cast<int>(i)});
      }
    }
    for (int stage = 0; stage < shape_.stages(); ++stage) check_reduction(stage);
    if (faults_.empty()) check_crossings();
    return faults_;
  }

 private:
  void fault(Place place, std::string reason) { faults_.push_back({place, std::move(reason)}); }

  void check_action(Action action, Place place) {
    if (is_compute(action.op)) return check_messages_of(action, place);
    if (*places_.find(action) != place) {
      return fault(place, to_string(action) + " is there twice, first as action " +
                              std::to_string(places_.find(action)->position + 1));
    }
    if (is_send(action.op) || is_recv(action.op)) check_message(action, place);
  }

  /// The message that a compute action needs or makes is there at this end.
  void check_messages_of(Action action, Place place) {
    const bool forward = action.op == Op::forward;
    if (!forward && !makes_input_gradient(action.op)) return;
    const Action recv{action.stage, forward ? Op::recv_forward : Op::recv_backward,
                      action.microbatch};
    const Action send{action.stage, forward ? Op::send_forward : Op::send_backward,
                      action.microbatch};
    for (const Action& message : {recv, send}) {
      if (route_of(message, placement_, shape_.ranks) && !places_.find(message)) {
        fault({place.rank, -1}, to_string(message) + " is missing; " + describe(action, place) +
                                    (is_recv(message.op) ? " needs it" : " makes its tensor"));
      }
    }
  }

  void check_message(Action message, Place place) {
    if (!route_of(message, placement_, shape_.ranks)) {
      return fault(place, to_string(message) + " has no stage on another rank to talk to");
    }
    if (!places_.find(counterpart(message))) {
      fault(place, to_string(message) + " has no " + to_string(counterpart(message)) +
                       " at the other end");
    }
    const Action forward{message.stage, Op::forward, message.microbatch};
    if (const auto made = places_.find(forward);
        message.op == Op::recv_backward && made && place.position < made->position) {
      fault(place, to_string(message) + " comes before " + describe(forward, *made) +
                       ", whose output has its shape");
    }
    const bool send = is_send(message.op);
    const auto compute = send ? producer_of(message, places_) : consumer_of(message, places_);
    if (!compute || compute->rank != place.rank) return;
    if (send == (place.position < compute->position)) {
      const auto& actions = lowered_.ranks[static_cast<std::size_t>(place.rank)];
      const Action other = actions[static_cast<std::size_t>(compute->position)];
      fault(place, to_string(message) + (send ? " comes before " : " comes behind ") +
                       describe(other, *compute));
    }
  }

  void check_reduction(int stage) {
    const Action reduce{stage, Op::reduce_gradient, 0};
    const auto place = places_.find(reduce);
    const int rank = placement_[static_cast<std::size_t>(stage)];
    if (!place) return fault({rank, -1}, to_string(reduce) + " is missing");
    const auto& actions = lowered_.ranks[static_cast<std::size_t>(rank)];
    for (std::size_t i = static_cast<std::size_t>(place->position); i < actions.size(); ++i) {
      if (actions[i].stage == stage && adds_weight_gradient(actions[i].op)) {
        return fault(*place, to_string(reduce) + " comes before " +
                                 describe(actions[i], {rank, static_cast<int>(i)}));
      }
    }
  }

  /// On each route, the k-th receive must be of the k-th send.
  void check_crossings() {
    std::map<Route, std::vector<Place>> sends, receives;
    for (int rank = 0; rank < shape_.ranks; ++rank) {
      const auto& actions = lowered_.ranks[static_cast<std::size_t>(rank)];
      for (std::size_t i = 0; i < actions.size(); ++i) {
        const Op op = actions[i].op;
        if (!is_send(op) && !is_recv(op)) continue;
        const Route route = *route_of(actions[i], placement_, shape_.ranks);
        (is_send(op) ? sends : receives)[route].push_back({rank, static_cast<int>(i)});
      }
    }
    for (const auto& [route, sent] : sends) check_crossings(route, sent, receives[route]);
  }

  void check_crossings(const Route& route, const std::vector<Place>& sent,
                       const std::vector<Place>& received) {
    for (std::size_t k = 0; k < std::min(sent.size(), received.size()); ++k) {
      const Action send = at(sent[k]), recv = at(received[k]);
      if (counterpart(send) == recv) continue;
      return fault(received[k], to_string(recv) + " crosses on the route " + to_string(route) +
                                    ": its message " + std::to_string(k + 1) + " is " +
                                    describe(send, sent[k]));
    }
  }

  Action at(Place place) const {
    return lowered_
        .ranks[static_cast<std::size_t>(place.rank)][static_cast<std::size_t>(place.position)];
  }

  const Schedule& lowered_;
  ScheduleShape shape_;
  Places places_;
  std::vector<int> placement_;
  std::vector<Fault> faults_;
};

std::string describe(const Fault& fault) {
  std::string text;
  if (fault.place.rank >= 0) text += "rank " + std::to_string(fault.place.rank);
  if (fault.place.position >= 0) text += ", action " + std::to_string(fault.place.position + 1);
  return text + (fault.place.rank >= 0 ? ": " : "") + fault.reason;
}

/// The first fault stands on the first line, which may be all that is shown.
[[noreturn]] void complain(const std::vector<Fault>& faults, const Schedule& schedule) {
  constexpr std::size_t kMost = 12;
  std::string text = "the schedule has ";
  text += faults.size() == 1 ? "1 fault: " : std::to_string(faults.size()) + " faults, the first: ";
  text += describe(faults.front());
  for (std::size_t i = 1; i < std::min(faults.size(), kMost); ++i) {
    text += "\n  " + describe(faults[i]);
  }
  if (faults.size() > kMost) text += "\n  and " + std::to_string(faults.size() - kMost) + " more";
  fail_input(text + "\n" + order_grid(schedule, faults.front().place));
}

}  // namespace

std::vector<Fault> find_faults(const Schedule& compute, const ScheduleShape& shape) {
  std::vector<Fault> faults;
  for (std::size_t rank = 0; rank < compute.ranks.size(); ++rank) {
    for (std::size_t i = 0; i < compute.ranks[rank].size(); ++i) {
      const Action action = compute.ranks[rank][i];
      if (is_compute(action.op)) continue;
      faults.push_back({{static_cast<int>(rank), static_cast<int>(i)},
                        to_string(action) + " is derived; only F, R, I, W and B are written"});
    }
  }
  const auto more = ComputeCheck(compute, shape).run();
  faults.insert(faults.end(), more.begin(), more.end());
  return faults.empty() ? find_deadlock(lower(compute), Places(compute)) : faults;
}

std::vector<Fault> find_lowered_faults(const Schedule& lowered, const ScheduleShape& shape) {
  auto faults = ComputeCheck(lowered, shape).run();
  if (faults.empty()) faults = LoweredCheck(lowered, shape).run();
  return faults.empty() ? find_deadlock(lowered, Places(lowered)) : faults;
}

void validate(const Schedule& compute, const ScheduleShape& shape) {
  const auto faults = find_faults(compute, shape);
  if (!faults.empty()) complain(faults, compute);
}

void validate_lowered(const Schedule& lowered, const ScheduleShape& shape) {
  const auto faults = find_lowered_faults(lowered, shape);
  if (!faults.empty()) complain(faults, lowered);
}

}  // namespace spillway::pipeline
