#include "parallel/pipeline/validate_compute.hpp"

#include <algorithm>

#include "parallel/pipeline/route.hpp"
#include "parallel/pipeline/simulate.hpp"

namespace spillway::pipeline {
namespace {

std::string number(int n) { return std::to_string(n); }

}  // namespace

std::string describe(Action action, Place place) {
  return to_string(action) + " (rank " + number(place.rank) + ", action " +
         number(place.position + 1) + ")";
}

ComputeCheck::ComputeCheck(const Schedule& schedule, const ScheduleShape& shape)
    : schedule_(schedule), shape_(shape), places_(schedule), placement_(rank_of_stage(schedule)) {}

std::vector<Fault> ComputeCheck::run() {
  const int ranks = static_cast<int>(schedule_.ranks.size());
  if (ranks != shape_.ranks) {
    fault({},
          "the schedule has " + number(ranks) + " ranks, the pipeline has " + number(shape_.ranks));
    return faults_;
  }
  for (int rank = 0; rank < ranks; ++rank) {
    const auto& actions = schedule_.ranks[static_cast<std::size_t>(rank)];
    if (actions.empty()) fault({rank, -1}, "the rank has no actions");
    for (std::size_t i = 0; i < actions.size(); ++i) {
      check_action(actions[i], {rank, static_cast<int>(i)});
    }
  }
  for (int stage = 0; stage < shape_.stages(); ++stage) {
    for (int m = 0; m < shape_.microbatches; ++m) check_microbatch(stage, m);
  }
  for (const Action& forward : schedule_.overlapped) check_overlap(forward);
  check_placement();
  return faults_;
}

void ComputeCheck::check_action(Action action, Place place) {
  if (action.stage >= shape_.stages()) {
    return fault(place, to_string(action) + " names stage " + number(action.stage) + " of " +
                            number(shape_.stages()) + " stages (0.." + number(shape_.stages() - 1) +
                            ")");
  }
  if (action.microbatch >= shape_.microbatches) {
    return fault(place, to_string(action) + " names micro-batch " + number(action.microbatch) +
                            " of " + number(shape_.microbatches) + " micro-batches (0.." +
                            number(shape_.microbatches - 1) + ")");
  }
  const int owner = placement_[static_cast<std::size_t>(action.stage)];
  if (owner != place.rank) {
    fault(place, to_string(action) + " puts stage " + number(action.stage) + " on rank " +
                     number(place.rank) + ", but " +
                     (owner < 0 ? "no rank computes it" : "it stands on rank " + number(owner)));
  } else if (const Place first = *places_.find(action); is_compute(action.op) && first != place) {
    fault(place,
          to_string(action) + " is there twice, first as action " + number(first.position + 1));
  }
}

void ComputeCheck::check_microbatch(int stage, int microbatch) {
  const auto at = [&](Op op) { return Action{stage, op, microbatch}; };
  const auto has = [&](Op op) { return places_.find(at(op)).has_value(); };
  if (!has(Op::forward)) missing(at(Op::forward));
  const bool whole = has(Op::backward);
  const bool input = has(Op::backward_input), weight = has(Op::backward_weight);
  if (whole && (input || weight)) {
    const Action half = at(input ? Op::backward_input : Op::backward_weight);
    fault(*places_.find(half), to_string(half) + " repeats a part of " +
                                   describe(at(Op::backward), *places_.find(at(Op::backward))));
  }
  if (!whole && !input && !weight) missing(at(Op::backward));
  if (!whole && input && !weight) missing(at(Op::backward_weight));
  if (!whole && weight && !input) missing(at(Op::backward_input));
  check_order(at(Op::recompute), at(Op::forward));
  check_order(at(Op::backward), at(Op::recompute));
  check_order(at(Op::backward_input), at(Op::recompute));
  check_order(at(Op::backward), at(Op::forward));
  check_order(at(Op::backward_input), at(Op::forward));
  check_order(at(Op::backward_weight), at(Op::backward_input));
}

void ComputeCheck::check_order(Action action, Action after) {
  const auto place = places_.find(action), earlier = places_.find(after);
  if (!place || !earlier || place->rank != earlier->rank) return;
  if (place->position < earlier->position) {
    fault(*place, to_string(action) + " comes before " + to_string(after) + ", which is action " +
                      number(earlier->position + 1));
  }
}

void ComputeCheck::missing(Action action) {
  const bool known = action.stage < static_cast<int>(placement_.size());
  const int rank = known ? placement_[static_cast<std::size_t>(action.stage)] : -1;
  fault({rank, -1}, to_string(action) + " is missing");
}

void ComputeCheck::check_overlap(Action forward) {
  const auto place = places_.find(forward);
  if (!place) return fault({}, to_string(forward) + " is overlapped but not there");
  const auto& actions = schedule_.ranks[static_cast<std::size_t>(place->rank)];
  const auto next = std::find_if(actions.begin() + place->position + 1, actions.end(),
                                 [](Action action) { return is_compute(action.op); });
  const bool pair = forward.op == Op::forward && next != actions.end() &&
                    next->op == Op::backward &&
                    (next->stage != forward.stage || next->microbatch != forward.microbatch);
  if (!pair) {
    fault(*place, to_string(forward) +
                      " is overlapped, but is no F before the B of another stage or micro-batch");
  }
}

void ComputeCheck::check_placement() {
  for (int stage = 0; stage + 1 < static_cast<int>(placement_.size()); ++stage) {
    const int here = placement_[static_cast<std::size_t>(stage)];
    const int there = placement_[static_cast<std::size_t>(stage) + 1];
    const Action send{stage, Op::send_forward, 0};
    if (here < 0 || there < 0 || here == there) continue;
    if (!route_of(send, placement_, shape_.ranks)) {
      fault({here, -1}, "stages " + number(stage) + " and " + number(stage + 1) +
                            " stand on ranks " + number(here) + " and " + number(there) +
                            ", which are not neighbours");
    }
  }
}

std::vector<Fault> find_deadlock(const Schedule& lowered, const Places& shown) {
  std::vector<Fault> faults;
  try {
    simulate(lowered, uniform_costs(count_stages(lowered), 1, 1, 1));
  } catch (const Deadlock& deadlock) {
    for (const Blocked& one : deadlock.blocked()) {
      faults.push_back({shown.find(one.action).value_or(one.place),
                        "deadlock: " + to_string(one.action) + " " + one.reason});
    }
  }
  return faults;
}

}  // namespace spillway::pipeline
