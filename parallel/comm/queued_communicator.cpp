#include "parallel/comm/queued_communicator.hpp"

#include <exception>
#include <new>
#include <utility>

#include "configs/error.hpp"
#include "parallel/comm/arguments.hpp"

namespace spillway::comm {
namespace {

Buffer buffer(const at::Tensor& tensor) {
  return {static_cast<std::byte*>(tensor.data_ptr()), tensor.numel(), tensor.scalar_type()};
}

std::int64_t bytes_of(const at::Tensor& tensor) {
  return static_cast<std::int64_t>(tensor.nbytes());
}

}  // namespace

QueuedCommunicator::QueuedCommunicator(std::unique_ptr<Transport> transport)
    : Communicator(transport->rank(), transport->size()),
      transport_(std::move(transport)),
      queue_(transport_->backend() + " " + std::to_string(rank()) + "/" + std::to_string(size())) {}

QueuedCommunicator::~QueuedCommunicator() {
  if (std::uncaught_exceptions() == 0) return;
  transport_->abandon();
  // Freeing the transport would tear it from under a thread that may still be inside; the program
  // is about to end.
  static_cast<void>(new (std::nothrow) std::shared_ptr<Transport>(transport_));
}

Issued QueuedCommunicator::queue(Operation operation, std::int64_t bytes, std::string where,
                                 std::function<void(Transport&)> job) {
  traffic_.count(operation, bytes, size());
  auto guarded = [transport = transport_, operation, bytes, where = std::move(where),
                  job = std::move(job)] {
    const auto in_context = [&](const std::exception& error) {
      return std::string(error.what()) + " (" + to_string(operation) + where + " of " +
             std::to_string(bytes) + " bytes, rank " + std::to_string(transport->rank()) + " of " +
             std::to_string(transport->size()) + ")";
    };
    try {
      const WorkQueue::PeerWait peers;
      job(*transport);
    } catch (const TagMismatch& error) {
      throw TagMismatch(in_context(error), error.came());
    } catch (const std::exception& error) {
      throw Error(ErrorKind::fault, in_context(error));
    }
  };
  return queue_.push(std::move(guarded), [this, operation](double seconds) {
    traffic_.add_seconds(operation, seconds);
  });
}

Issued QueuedCommunicator::all_reduce(at::Tensor tensor, ReduceOp op) {
  check_tensor(Operation::all_reduce, tensor, at::kCPU);
  return queue(Operation::all_reduce, bytes_of(tensor), "",
               [tensor, op](Transport& transport) { transport.all_reduce(buffer(tensor), op); });
}

Issued QueuedCommunicator::broadcast(at::Tensor tensor, int root) {
  check_tensor(Operation::broadcast, tensor, at::kCPU);
  check_root(root, size());
  return queue(Operation::broadcast, bytes_of(tensor), " from rank " + std::to_string(root),
               [tensor, root](Transport& transport) { transport.broadcast(buffer(tensor), root); });
}

Issued QueuedCommunicator::all_gather(at::Tensor output, at::Tensor input) {
  check_tensor(Operation::all_gather, output, at::kCPU);
  check_tensor(Operation::all_gather, input, at::kCPU);
  check_parts(Operation::all_gather, output, input, size());
  return queue(Operation::all_gather, bytes_of(output), "", [output, input](Transport& transport) {
    transport.all_gather(buffer(output), buffer(input));
  });
}

Issued QueuedCommunicator::reduce_scatter(at::Tensor output, at::Tensor input) {
  check_tensor(Operation::reduce_scatter, output, at::kCPU);
  check_tensor(Operation::reduce_scatter, input, at::kCPU);
  check_parts(Operation::reduce_scatter, input, output, size());
  return queue(Operation::reduce_scatter, bytes_of(input), "",
               [output, input](Transport& transport) {
                 transport.reduce_scatter(buffer(output), buffer(input));
               });
}

Issued QueuedCommunicator::all_to_all(at::Tensor output, at::Tensor input) {
  check_tensor(Operation::all_to_all, output, at::kCPU);
  check_tensor(Operation::all_to_all, input, at::kCPU);
  check_exchange(Operation::all_to_all, output, input, size());
  return queue(Operation::all_to_all, bytes_of(input), "", [output, input](Transport& transport) {
    transport.all_to_all(buffer(output), buffer(input));
  });
}

Issued QueuedCommunicator::send(at::Tensor tensor, int peer, int tag) {
  check_tensor(Operation::send, tensor, at::kCPU);
  check_peer(Operation::send, peer, rank(), size());
  check_tag(Operation::send, tag);
  return queue(Operation::send, bytes_of(tensor), " to rank " + std::to_string(peer),
               [=](Transport& transport) { transport.send(buffer(tensor), peer, tag); });
}

Issued QueuedCommunicator::recv(at::Tensor tensor, int peer, int tag) {
  check_tensor(Operation::recv, tensor, at::kCPU);
  check_peer(Operation::recv, peer, rank(), size());
  check_tag(Operation::recv, tag);
  return queue(Operation::recv, bytes_of(tensor), " from rank " + std::to_string(peer),
               [=](Transport& transport) { transport.recv(buffer(tensor), peer, tag); });
}

Issued QueuedCommunicator::barrier() {
  return queue(Operation::barrier, 0, "", [](Transport& transport) { transport.barrier(); });
}

std::unique_ptr<Communicator> QueuedCommunicator::split(int color, int key) {
  auto part = std::make_shared<std::unique_ptr<Transport>>();
  queue_
      .push([transport = transport_, part, color, key] { *part = transport->split(color, key); },
            [](double) {})
      .wait();
  return *part ? std::make_unique<QueuedCommunicator>(std::move(*part)) : nullptr;
}

}  // namespace spillway::comm
