#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "parallel/comm/communicator.hpp"
#include "parallel/pipeline/route.hpp"
#include "parallel/process_grid.hpp"

namespace spillway::pipeline {

/// The tag that tells a message from those around it on its route; the same for SEND and RECV.
/// All messages of 101 micro-batches and 158 stages differ; in larger steps equal ones are far
/// apart.
int tag_of(Action message);

/// Where this rank's messages go: each route of the schedule on its own two-rank communicator of
/// the grid, so that neither direction waits for the other. The grid must outlive the edges.
/// Pipeline rank r of the schedule is grid.stage() = r.
class Edges {
 public:
  /// `rank_of_stage` is the placement of the schedule. Throws Error(input) unless it names ranks of
  /// the grid only.
  Edges(const parallel::ProcessGrid& grid, std::vector<int> rank_of_stage);

  int rank() const { return grid_.stage(); }
  int stages() const { return static_cast<int>(rank_of_stage_.size()); }
  /// Both stages exist and stand on this pipeline's same rank: their tensors are handed over, not
  /// sent.
  bool is_local(int stage, int neighbour) const;

  /// Queues this end of a SEND or RECV; the tensor (contiguous) must stay untouched until the Work
  /// is waited for. A RECV whose message is not the next of its route fails with comm::TagMismatch,
  /// but for NCCL, which carries no tags.
  comm::Work post(Action message, const at::Tensor& tensor) const;

  /// The rank on the other end of a SEND or RECV: in the pipeline, and in the world.
  int peer(Action message) const;
  int world_peer(Action message) const;

 private:
  comm::Communicator& communicator_of(const Route& route) const;

  const parallel::ProcessGrid& grid_;
  std::vector<int> rank_of_stage_;
};

}  // namespace spillway::pipeline
