#include "parallel/process_grid.hpp"

#include <string>

#include "configs/error.hpp"

namespace spillway::parallel {
namespace {

using Choice = GridSplit::Choice;
constexpr Choice kNone{-1, 0};

/// The edge stage -> stage + 1 meets two others; edges of one class meet none, so one split makes
/// them all. The wrap-around edge of an odd ring needs a class of its own.
int edge_class(int edge, int stages) {
  return edge == stages - 1 && stages % 2 == 1 ? 2 : edge % 2;
}

/// Edges of class `wanted` in a ring of stages. Forward: stage s sends to s + 1; backward: s + 1
/// sends to s.
GridSplit edge_split(GridShape shape, int wanted, bool backward) {
  return {backward ? GridSplit::Group::backward_edge : GridSplit::Group::forward_edge,
          [=](int rank) {
            const int stage = rank % shape.stages, replica = rank / shape.stages;
            const int before = (stage + shape.stages - 1) % shape.stages;
            const bool lower_end = edge_class(stage, shape.stages) == wanted;
            if (!lower_end && edge_class(before, shape.stages) != wanted) return kNone;
            const int edge = lower_end ? stage : before;
            return Choice{replica * shape.stages + edge, lower_end != backward ? 0 : 1};
          }};
}

}  // namespace

GridShape grid_shape(int world, std::int64_t stages) {
  if (stages < 1 || world < 1 || world % stages != 0) {
    fail_input("parallel.stages = " + std::to_string(stages) + " does not divide the world of " +
               std::to_string(world) + " ranks; world = stages x replicas");
  }
  return {static_cast<int>(stages), static_cast<int>(world / stages)};
}

std::vector<GridSplit> grid_splits(GridShape shape) {
  using Group = GridSplit::Group;
  const int stages = shape.stages;
  std::vector<GridSplit> splits{
      {Group::pipeline,
       [stages](int rank) {
         return Choice{rank / stages, rank};
       }},
      {Group::replica,
       [stages](int rank) {
         return Choice{rank % stages, rank};
       }},
  };
  if (stages == 1) return splits;
  splits.push_back(
      {Group::tied, [stages](int rank) {
         const int stage = rank % stages;
         return stage == 0 || stage == stages - 1 ? Choice{rank / stages, rank} : kNone;
       }});
  for (int wanted = 0; wanted < (stages % 2 == 1 ? 3 : 2); ++wanted) {
    splits.push_back(edge_split(shape, wanted, false));
    splits.push_back(edge_split(shape, wanted, true));
  }
  return splits;
}

ProcessGrid::ProcessGrid(comm::Communicator& world, GridShape shape)
    : world_(world),
      shape_(shape),
      stage_(world.rank() % shape.stages),
      replica_(world.rank() / shape.stages) {
  if (world.size() != shape.stages * shape.replicas) {
    fail_input("a grid of " + std::to_string(shape.stages) + " stages x " +
               std::to_string(shape.replicas) + " replicas needs " +
               std::to_string(shape.stages * shape.replicas) + " ranks, the world has " +
               std::to_string(world.size()));
  }
  for (const GridSplit& split : grid_splits(shape)) {
    const Choice choice = split.choice(world.rank());
    std::unique_ptr<comm::Communicator> group = world.split(choice.color, choice.key);
    if (!group) continue;
    const bool sends = group->rank() == 0;
    switch (split.group) {
      case GridSplit::Group::pipeline:
        pipeline_ = std::move(group);
        break;
      case GridSplit::Group::replica:
        replica_group_ = std::move(group);
        break;
      case GridSplit::Group::tied:
        tied_ = std::move(group);
        break;
      case GridSplit::Group::forward_edge:
        (sends ? to_next_ : from_previous_) = std::move(group);
        break;
      case GridSplit::Group::backward_edge:
        (sends ? to_previous_ : from_next_) = std::move(group);
        break;
    }
  }
}

}  // namespace spillway::parallel
