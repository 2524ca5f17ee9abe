#include "parallel/comm/recording_communicator.hpp"

#include <algorithm>
#include <utility>

#include "parallel/comm/arguments.hpp"

namespace spillway::comm {
namespace {

void check_anywhere(Operation operation, const at::Tensor& tensor) {
  check_tensor(operation, tensor, tensor.defined() ? tensor.device().type() : at::kCPU);
}

}  // namespace

RecordingCommunicator::RecordingCommunicator(int rank, int size, OthersChoose others)
    : Communicator(rank, size), others_(std::move(others)) {}

Issued RecordingCommunicator::note(Operation operation, const at::Tensor& payload, int peer) {
  const std::int64_t bytes = payload.defined() ? static_cast<std::int64_t>(payload.nbytes()) : 0;
  const at::ScalarType type = payload.defined() ? payload.scalar_type() : at::kByte;
  traffic_.count(operation, bytes, size());
  records_->push_back({operation, bytes, type, peer, rank(), size(), group_});
  return Issued();
}

Issued RecordingCommunicator::all_reduce(at::Tensor tensor, ReduceOp) {
  check_anywhere(Operation::all_reduce, tensor);
  return note(Operation::all_reduce, tensor);
}

Issued RecordingCommunicator::broadcast(at::Tensor tensor, int root) {
  check_anywhere(Operation::broadcast, tensor);
  check_root(root, size());
  return note(Operation::broadcast, tensor, root);
}

Issued RecordingCommunicator::all_gather(at::Tensor output, at::Tensor input) {
  check_anywhere(Operation::all_gather, output);
  check_anywhere(Operation::all_gather, input);
  check_parts(Operation::all_gather, output, input, size());
  return note(Operation::all_gather, output);
}

Issued RecordingCommunicator::reduce_scatter(at::Tensor output, at::Tensor input) {
  check_anywhere(Operation::reduce_scatter, output);
  check_anywhere(Operation::reduce_scatter, input);
  check_parts(Operation::reduce_scatter, input, output, size());
  return note(Operation::reduce_scatter, input);
}

Issued RecordingCommunicator::all_to_all(at::Tensor output, at::Tensor input) {
  check_anywhere(Operation::all_to_all, output);
  check_anywhere(Operation::all_to_all, input);
  check_exchange(Operation::all_to_all, output, input, size());
  return note(Operation::all_to_all, input);
}

Issued RecordingCommunicator::send(at::Tensor tensor, int peer, int /*tag*/) {
  check_anywhere(Operation::send, tensor);
  check_peer(Operation::send, peer, rank(), size());
  return note(Operation::send, tensor, peer);
}

Issued RecordingCommunicator::recv(at::Tensor tensor, int peer, int /*tag*/) {
  check_anywhere(Operation::recv, tensor);
  check_peer(Operation::recv, peer, rank(), size());
  return note(Operation::recv, tensor, peer);
}

Issued RecordingCommunicator::barrier() { return note(Operation::barrier, at::Tensor()); }

std::unique_ptr<Communicator> RecordingCommunicator::split(int color, int key) {
  const int index = splits_++;
  std::vector<std::pair<int, int>> members;  // key, rank
  for (int other = 0; other < size(); ++other) {
    const Choice absent = others_ ? others_(index, other) : Choice{color, other};
    const Choice choice = other == rank() ? Choice{color, others_ ? key : other} : absent;
    if (choice.color == color) members.emplace_back(choice.key, other);
  }
  if (color < 0) return nullptr;
  std::ranges::sort(members);
  const auto mine = std::ranges::find(members, rank(), &std::pair<int, int>::second);
  auto part = std::make_unique<RecordingCommunicator>(static_cast<int>(mine - members.begin()),
                                                      static_cast<int>(members.size()));
  part->records_ = records_;
  part->group_ = group_ + "." + std::to_string(index);
  return part;
}

}  // namespace spillway::comm
