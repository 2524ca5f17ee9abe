#include "parallel/pipeline/edges.hpp"

#include "configs/error.hpp"

namespace spillway::pipeline {

Edges::Edges(const parallel::ProcessGrid& grid, std::vector<int> rank_of_stage)
    : grid_(grid), rank_of_stage_(std::move(rank_of_stage)) {
  for (std::size_t stage = 0; stage < rank_of_stage_.size(); ++stage) {
    const int owner = rank_of_stage_[stage];
    if (owner >= 0 && owner < grid.stages()) continue;
    fail_input("the schedule puts stage " + std::to_string(stage) + " on rank " +
               std::to_string(owner) + "; the pipeline has " + std::to_string(grid.stages()));
  }
}

bool Edges::is_local(int stage, int neighbour) const {
  return pipeline::is_local(stage, neighbour, rank_of_stage_);
}

comm::Work Edges::post(Action message, const at::Tensor& tensor) const {
  const auto route = route_of(message, rank_of_stage_, grid_.stages());
  if (!route) fail(to_string(message) + ": the two stages are not on neighbouring ranks");
  comm::Communicator& communicator = communicator_of(*route);
  constexpr int kSender = 0, kReceiver = 1;
  return is_send(message.op) ? communicator.send(tensor, kReceiver)
                             : communicator.recv(tensor, kSender);
}

comm::Communicator& Edges::communicator_of(const Route& route) const {
  const bool sends = route.from == rank();
  comm::Communicator* found = nullptr;
  if (route.direction == Direction::next) {
    found = sends ? grid_.to_next() : grid_.from_previous();
  } else {
    found = sends ? grid_.to_previous() : grid_.from_next();
  }
  if (found == nullptr) fail("no communicator for the route " + to_string(route));
  return *found;
}

}  // namespace spillway::pipeline
