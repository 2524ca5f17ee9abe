#pragma once

#include <cstdint>
#include <vector>

#include "parallel/pipeline/simulate.hpp"

namespace spillway::pipeline {

/// What an action does, whatever the micro-batch: 3 * stage + 0 for F, + 1 for I, + 2 for W.
using Kind = std::uint16_t;

constexpr bool is_forward(Kind kind) { return kind % 3 == 0; }
constexpr bool is_weight(Kind kind) { return kind % 3 == 2; }
constexpr int stage_of(Kind kind) { return kind / 3; }

/// A training step as a job shop: jobs are micro-batches, machines are ranks, and an activation
/// holds one of the rank's slots from the start of its F to the end of its W. Times are in units of
/// the slowest rank's work on one micro-batch, so that tolerances mean the same for every model.
struct JobShop {
  int ranks = 0;
  int stages = 0;
  int microbatches = 0;
  double unit_seconds = 1;
  std::vector<int> rank_of = {};     ///< by kind
  std::vector<double> length = {};   ///< by kind
  std::vector<int> input = {};       ///< by kind: the neighbour stage's kind it waits for, or -1
  std::vector<int> output = {};      ///< by kind: the kind that waits for it, or -1
  std::vector<double> latency = {};  ///< by kind: from the end of the input to its arrival
  std::vector<double> chain = {};    ///< by kind: start of a micro-batch that is alone
  std::vector<int> slots = {};       ///< by rank: activations that fit
  std::vector<std::vector<Kind>> kinds = {};  ///< by rank

  int kind_count() const { return 3 * stages; }
  int action_count() const { return kind_count() * microbatches; }
  int stages_on(int rank) const {
    return static_cast<int>(kinds[static_cast<std::size_t>(rank)].size()) / 3;
  }
  /// Place of (kind, micro-batch) in a table of all actions.
  std::size_t cell(int kind, int microbatch) const {
    return static_cast<std::size_t>(kind) * static_cast<std::size_t>(microbatches) +
           static_cast<std::size_t>(microbatch);
  }
};

/// Equal times, up to rounding.
inline constexpr double kTimeSlack = 1e-9;

/// `slots` by rank; every stage of costs.stages stands on a rank below slots.size().
JobShop make_job_shop(const std::vector<int>& rank_of_stage, const Costs& costs, int microbatches,
                      std::vector<int> slots);

/// The same pipeline with another number of micro-batches.
JobShop with_microbatches(const JobShop& shop, int microbatches);

/// No schedule is shorter: the chain of one micro-batch; each rank's work, behind what it cannot
/// fill before its first gradient comes and before what it cannot fill after its last one has left;
/// each rank's slots, held for the shortest life of an activation.
double lower_bound(const JobShop& shop);

}  // namespace spillway::pipeline
