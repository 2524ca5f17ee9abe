#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "parallel/comm/communicator.hpp"

namespace spillway::parallel {

/// Shape of the process grid: world = stages x replicas. rank = replica * stages + stage, so that
/// the ranks of one pipeline are neighbours.
struct GridShape {
  int stages = 1;
  int replicas = 1;
};

/// Throws Error(input) with all numbers unless world is a multiple of stages.
GridShape grid_shape(int world, std::int64_t stages);

/// One Communicator::split() of the world that a grid is made of, as a pure function of the rank,
/// so that a dry run (recording_communicator.hpp) knows what the absent ranks would choose.
struct GridSplit {
  enum class Group : std::uint8_t { pipeline, replica, tied, forward_edge, backward_edge };
  struct Choice {
    int color;  ///< negative: not a member
    int key;
  };
  Group group;
  std::function<Choice(int rank)> choice;
};

/// The splits of ProcessGrid's constructor, in its order.
std::vector<GridSplit> grid_splits(GridShape shape);

/// Where this rank stands and the groups it belongs to. Collective construction over all ranks of
/// `world`, which must outlive the grid.
class ProcessGrid {
 public:
  ProcessGrid(comm::Communicator& world, GridShape shape);

  int stages() const { return shape_.stages; }
  int replicas() const { return shape_.replicas; }
  int stage() const { return stage_; }
  int replica() const { return replica_; }

  comm::Communicator& world() const { return world_; }
  /// Same replica, all stages, ordered by stage.
  comm::Communicator& pipeline() const { return *pipeline_; }
  /// Same stage, all replicas, ordered by replica.
  comm::Communicator& replica_group() const { return *replica_group_; }
  /// First and last stage of this replica (rank 0 and 1) for tied embeddings; nullptr on other
  /// stages, and with one stage.
  comm::Communicator* tied() const { return tied_.get(); }

  /// One two-rank communicator per directed edge between neighbouring stages s -> s+1 (wrapping),
  /// so that no direction waits for another. Of rank 0 (sender) and 1 (receiver); nullptr with one
  /// stage. The wrap-around edge exists for chunked schedules.
  comm::Communicator* to_next() const { return to_next_.get(); }
  comm::Communicator* from_previous() const { return from_previous_.get(); }
  comm::Communicator* to_previous() const { return to_previous_.get(); }
  comm::Communicator* from_next() const { return from_next_.get(); }

 private:
  comm::Communicator& world_;
  GridShape shape_;
  int stage_ = 0;
  int replica_ = 0;
  std::unique_ptr<comm::Communicator> pipeline_, replica_group_, tied_;
  std::unique_ptr<comm::Communicator> to_next_, from_previous_, to_previous_, from_next_;
};

}  // namespace spillway::parallel
