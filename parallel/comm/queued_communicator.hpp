#pragma once

#include <functional>
#include <memory>
#include <string>

#include "parallel/comm/communicator.hpp"
#include "parallel/comm/transport.hpp"
#include "parallel/comm/work_queue.hpp"

namespace spillway::comm {

/// Communicator over CPU tensors: checks and counts each operation on the caller's thread, runs it
/// on a thread of its own. wait() throws Error(fault) naming operation, peer, bytes and rank. A
/// group that failed once runs nothing more (see WorkQueue). 16-bit floats are summed in float32,
/// in rank order, and rounded once.
class QueuedCommunicator final : public Communicator {
 public:
  explicit QueuedCommunicator(std::unique_ptr<Transport> transport);
  /// Runs what is queued. While an exception unwinds, thread and transport are left behind (see
  /// WorkQueue).
  ~QueuedCommunicator() override;

  std::string backend() const override { return transport_->backend(); }
  Issued all_reduce(at::Tensor tensor, ReduceOp op) override;
  Issued broadcast(at::Tensor tensor, int root) override;
  Issued all_gather(at::Tensor output, at::Tensor input) override;
  Issued reduce_scatter(at::Tensor output, at::Tensor input) override;
  Issued all_to_all(at::Tensor output, at::Tensor input) override;
  Issued send(at::Tensor tensor, int peer, int tag) override;
  Issued recv(at::Tensor tensor, int peer, int tag) override;
  Issued barrier() override;
  std::unique_ptr<Communicator> split(int color, int key) override;

 private:
  /// `where`: peer or root as words, for the error. `job` must capture the tensors it touches.
  Issued queue(Operation operation, std::int64_t bytes, std::string where,
               std::function<void(Transport&)> job);

  std::shared_ptr<Transport> transport_;
  WorkQueue queue_;
};

}  // namespace spillway::comm
