#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "parallel/comm/communicator.hpp"

namespace spillway::comm {

/// One operation that would have been sent.
struct Record {
  Operation operation = Operation::barrier;
  std::int64_t bytes = 0;  ///< payload, as in OperationTraffic
  at::ScalarType type = at::kFloat;
  int peer = -1;  ///< in the group: of send and recv, the root of broadcast; else -1
  int rank = 0;   ///< of the group that carried it
  int size = 1;
  std::string
      group;  ///< "world", "world.0" (its first split), "world.0.2" (the third split of that)
};

/// One rank of a group whose other ranks are not there, backend "recording": notes operation, bytes
/// and order, moves nothing (tensors keep what they hold) and takes tensors of any device, also
/// meta. Every Work is done at once. For dry runs and tests.
class RecordingCommunicator final : public Communicator {
 public:
  struct Choice {
    int color;
    int key;
  };
  /// What `rank` would pass to the `split`-th split() (0, 1, ...) of this group.
  using OthersChoose = std::function<Choice(int split, int rank)>;

  /// Without `others`, every absent rank is taken to choose this rank's color and its own rank as
  /// key: a split keeps rank and size.
  RecordingCommunicator(int rank, int size, OthersChoose others = nullptr);

  /// Operations of this group and of all split from it, in call order.
  const std::vector<Record>& records() const { return *records_; }

  std::string backend() const override { return "recording"; }
  Issued all_reduce(at::Tensor tensor, ReduceOp op = ReduceOp::sum) override;
  Issued broadcast(at::Tensor tensor, int root) override;
  Issued all_gather(at::Tensor output, at::Tensor input) override;
  Issued reduce_scatter(at::Tensor output, at::Tensor input) override;
  Issued all_to_all(at::Tensor output, at::Tensor input) override;
  Issued send(at::Tensor tensor, int peer, int tag = 0) override;
  Issued recv(at::Tensor tensor, int peer, int tag = 0) override;
  Issued barrier() override;
  std::unique_ptr<Communicator> split(int color, int key) override;

 private:
  Issued note(Operation operation, const at::Tensor& payload, int peer = -1);

  OthersChoose others_;
  std::shared_ptr<std::vector<Record>> records_ = std::make_shared<std::vector<Record>>();
  std::string group_ = "world";
  int splits_ = 0;
};

}  // namespace spillway::comm
