#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "compression/meter.hpp"
#include "parallel/comm/communicator.hpp"

namespace spillway::compression {

/// Sums float32 tensors over the replicas in a number format of the wire, and counts bytes and
/// time. Blocks; one thread.
class Wire {
 public:
  /// `format`: "fp32" | "bf16"; throws Error(input) for another. Both references must outlive this.
  Wire(comm::Communicator& replicas, const std::string& format, Meter& meter);

  int replicas() const { return replicas_.size(); }
  /// In place: float32 sum over replicas of what each sent, the same bits on every replica. bf16:
  /// each addend is rounded once before, the sum once after.
  void sum(at::Tensor& tensor);
  /// `tensor` as the others receive it, in float32: itself for fp32.
  at::Tensor as_sent(const at::Tensor& tensor) const;

 private:
  void send(const at::Tensor& payload);

  comm::Communicator& replicas_;
  at::ScalarType format_;
  Meter& meter_;
};

}  // namespace spillway::compression
