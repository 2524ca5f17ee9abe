#pragma once

#include <optional>
#include <string>
#include <vector>

#include "parallel/pipeline/schedule.hpp"
#include "parallel/pipeline/validate.hpp"

namespace spillway::pipeline {

/// The checks of compute actions, which both forms of a schedule share; actions of other kinds are
/// skipped.
class ComputeCheck {
 public:
  ComputeCheck(const Schedule& schedule, const ScheduleShape& shape);
  std::vector<Fault> run();

 private:
  void check_action(Action action, Place place);
  void check_microbatch(int stage, int microbatch);
  void check_order(Action action, Action after);
  void check_overlap(Action forward);
  void check_placement();
  void missing(Action action);
  void fault(Place place, std::string reason) { faults_.push_back({place, std::move(reason)}); }

  const Schedule& schedule_;
  ScheduleShape shape_;
  Places places_;
  std::vector<int> placement_;
  std::vector<Fault> faults_;
};

/// The blocked actions of a lowered schedule that deadlocks, at their places in the schedule that
/// the reader sees.
std::vector<Fault> find_deadlock(const Schedule& lowered, const Places& shown);

/// "0F2 (rank 0, action 3)"; actions are counted from 1.
std::string describe(Action action, Place place);

}  // namespace spillway::pipeline
