#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "configs/error.hpp"
#include "parallel/comm/traffic.hpp"
#include "parallel/comm/work.hpp"

namespace spillway::comm {

enum class ReduceOp : std::uint8_t { sum, max };

/// Largest tag of a message.
inline constexpr int kMostTag = 32000;

/// A message came where its receiver expected another.
class TagMismatch final : public Error {
 public:
  TagMismatch(const std::string& message, int came)
      : Error(ErrorKind::fault, message), came_(came) {}
  int came() const { return came_; }

 private:
  int came_;
};

/// A group of ranks. Operations are queued in call order and return at once; tensors must stay
/// alive and untouched until wait() of the Work returned. All ranks of the group call the same
/// collectives in the same order; messages from one rank to another arrive in the order they were
/// sent, and a send may block the queue until its receive is posted (rendezvous), so ranks that
/// send to each other at the same time use one communicator per direction.
/// Tensors: contiguous; float32, bfloat16, float16, int32, int64, uint8; any number of elements,
/// also 0 and over 2^31. Sums of 16-bit floats are accumulated in float32 and rounded once where
/// the backend can (stated there). Not thread-safe: one thread issues. Errors of the transport are
/// thrown by wait(), with operation and peer.
class Communicator {
 public:
  Communicator(int rank, int size) : rank_(rank), size_(size) {}
  Communicator(const Communicator&) = delete;
  Communicator& operator=(const Communicator&) = delete;
  virtual ~Communicator() = default;

  int rank() const { return rank_; }
  int size() const { return size_; }
  virtual std::string backend() const = 0;

  /// In place: the same bits on every rank.
  virtual Issued all_reduce(at::Tensor tensor, ReduceOp op = ReduceOp::sum) = 0;
  virtual Issued broadcast(at::Tensor tensor, int root) = 0;
  /// output.numel() = size() * input.numel(), rank by rank.
  virtual Issued all_gather(at::Tensor output, at::Tensor input) = 0;
  /// input.numel() = size() * output.numel(); rank r gets the sum of everyone's r-th part.
  virtual Issued reduce_scatter(at::Tensor output, at::Tensor input) = 0;
  /// Both in size() equal parts: rank r gets everyone's r-th part, rank by rank.
  virtual Issued all_to_all(at::Tensor output, at::Tensor input) = 0;
  /// `tag`, 0 to kMostTag, says which message it is: where the receive next in order has another,
  /// its wait() throws TagMismatch. NCCL carries no tags and mistakes one message for another.
  virtual Issued send(at::Tensor tensor, int peer, int tag = 0) = 0;
  virtual Issued recv(at::Tensor tensor, int peer, int tag = 0) = 0;
  virtual Issued barrier() = 0;

  /// Collective over this group: ranks with equal `color` form a group, ordered by `key`; a
  /// negative color gets nullptr.
  virtual std::unique_ptr<Communicator> split(int color, int key) = 0;

  /// What this communicator carried so far, counted at the call site.
  TrafficSnapshot traffic() const { return traffic_.snapshot(); }

 protected:
  Traffic traffic_;

 private:
  int rank_;
  int size_;
};

}  // namespace spillway::comm
