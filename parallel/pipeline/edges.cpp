#include "parallel/pipeline/edges.hpp"

#include "configs/error.hpp"

namespace spillway::pipeline {

int tag_of(Action message) {
  const Action send = is_send(message.op) ? message : counterpart(message);
  constexpr std::int64_t kMicrobatches = 101;
  const std::int64_t number = (std::int64_t{send.stage} * kMicrobatches + send.microbatch) * 2 +
                              (send.op == Op::send_backward ? 1 : 0);
  return static_cast<int>(number % (comm::kMostTag + 1));
}

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
  const int tag = tag_of(message);
  return is_send(message.op) ? communicator.send(tensor, kReceiver, tag)
                             : communicator.recv(tensor, kSender, tag);
}

int Edges::peer(Action message) const {
  return rank_of_stage_.at(static_cast<std::size_t>(counterpart(message).stage));
}

int Edges::world_peer(Action message) const {
  return grid_.replica() * grid_.stages() + peer(message);
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
