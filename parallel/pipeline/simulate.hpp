#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "configs/error.hpp"
#include "parallel/pipeline/schedule.hpp"
#include "parallel/pipeline/timeline.hpp"

namespace spillway::pipeline {

/// Seconds of one micro-batch on one stage. `backward` is that of the whole backward, which need
/// not be I + W.
struct StageCosts {
  double forward = 0;
  double backward_input = 0;
  double backward_weight = 0;
  double backward = 0;
  /// 0 for what is no compute.
  double of(Op op) const;
};

/// When a message leaves: once its receive is posted too (NCCL, and MPI above its eager limit), or
/// as soon as it is sent, into a buffer of the receiver (MPI below that limit).
enum class Sends : std::uint8_t { rendezvous, eager };

/// What actions and messages cost. A transfer begins when the message may leave and its route is
/// free; it keeps the route busy for edge_bytes / bytes_per_second and arrives hop_seconds after
/// that. Transfers run beside the compute.
struct Costs {
  std::vector<StageCosts> stages = {};
  double hop_seconds = 0;
  double edge_bytes = 0;  ///< of one micro-batch, equal in both directions
  double bytes_per_second = std::numeric_limits<double>::infinity();
  Sends sends = Sends::rendezvous;
  /// From the start of a transfer to its arrival.
  double transfer_seconds() const { return edge_bytes / bytes_per_second + hop_seconds; }
};

/// The same costs for every stage; backward = backward_input + backward_weight.
Costs uniform_costs(int stages, double forward, double backward_input, double backward_weight);

struct Simulation {
  std::vector<Timeline> ranks;
  double makespan = 0;       ///< seconds to the end of the last action
  std::vector<Usage> usage;  ///< by rank, over the makespan
  /// By rank, the most activations held at once, from F to B or W, in micro-batches of a whole
  /// rank's layers: one stage of v per rank counts 1/v.
  std::vector<double> peak_activations;
};

/// A rank that cannot go on.
struct Blocked {
  Place place;
  Action action;
  std::string reason;  ///< "waits for 1RECV_F0 from rank 0"
};

/// No rank can go on, and not all are done.
class Deadlock : public Error {
 public:
  explicit Deadlock(std::vector<Blocked> blocked);
  const std::vector<Blocked>& blocked() const { return blocked_; }

 private:
  std::vector<Blocked> blocked_;
};

/// Runs a lowered schedule without running it: when each action starts and ends if every rank does
/// its actions in order, as soon as their inputs are there. Linear in the number of actions. Throws
/// Deadlock naming each blocked action, and Error(input) where the k-th send of a route is not the
/// k-th receive, or where costs.stages is not one entry a stage.
Simulation simulate(const Schedule& lowered, const Costs& costs);

}  // namespace spillway::pipeline
