#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "parallel/pipeline/action.hpp"

namespace spillway::pipeline {

/// Who does what in which order, for one training or evaluation step: ranks[r] are the actions of
/// pipeline rank r. Two forms: compute (only F, I, W, B, as authors and generators write it) and
/// lowered (with the communication that lower() derives).
struct Schedule {
  std::vector<std::vector<Action>> ranks;
  /// Forwards that are one block with the backward (B) that follows on their rank, of another stage
  /// or micro-batch, as in DualPipe: torch's OVERLAP_F_B. Here F runs, then B, and the results of
  /// both leave the rank when the block is done.
  std::set<Action> overlapped = {};
  bool operator==(const Schedule&) const = default;
};

/// Size of a pipeline: `chunks` stages on each rank, each stage runs every micro-batch.
struct ScheduleShape {
  int ranks = 1;
  int chunks = 1;
  int microbatches = 1;
  int stages() const { return ranks * chunks; }
};

/// 1 + the largest stage and micro-batch named; 0 for an empty schedule.
int count_stages(const Schedule& schedule);
int count_microbatches(const Schedule& schedule);

/// Placement, by data: entry s is the first rank that computes stage s; -1 if none does.
std::vector<int> rank_of_stage(const Schedule& schedule);

/// Where an action stands.
struct Place {
  int rank = -1;
  int position = -1;  ///< index in Schedule::ranks[rank]
  bool operator==(const Place&) const = default;
};

/// The first place of each action.
class Places {
 public:
  explicit Places(const Schedule& schedule);
  std::optional<Place> find(Action action) const;

 private:
  std::unordered_map<Action, Place> places_;
};

/// Position of the compute action that needs what a RECV brings (F, or B or I).
std::optional<Place> consumer_of(Action recv, const Places& places);
/// Position of the compute action that makes what a SEND takes (F, or B or I).
std::optional<Place> producer_of(Action send, const Places& places);

}  // namespace spillway::pipeline
