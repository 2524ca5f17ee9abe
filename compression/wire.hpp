#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "compression/meter.hpp"
#include "compression/workspace.hpp"
#include "parallel/comm/communicator.hpp"

namespace spillway::compression {

/// Carries payloads between the replicas, and counts bytes and time. Blocks; one thread.
class Wire {
 public:
  /// `format` of sum(): "fp32" | "bf16" | "fp16"; throws Error(input) for another. Both references
  /// must outlive this.
  Wire(comm::Communicator& replicas, const std::string& format, Meter& meter);

  int replicas() const { return replicas_.size(); }
  int rank() const { return replicas_.rank(); }
  Meter& meter() const { return meter_; }
  at::ScalarType format() const { return format_; }

  /// In place: float32 sum over replicas of what each sent, the same bits on every replica. 16
  /// bits: each addend is rounded once before, the sum once after.
  void sum(at::Tensor& tensor);
  /// `tensor` as the others receive it, in float32: itself for fp32, else valid until the next
  /// call.
  at::Tensor as_sent(const at::Tensor& tensor);
  /// Any type. output.numel() = replicas() * input.numel(), replica by replica.
  void all_gather(const at::Tensor& output, const at::Tensor& input);
  /// Any type. Equal parts: replica r gets everyone's r-th part of `input`.
  void all_to_all(const at::Tensor& output, const at::Tensor& input);

 private:
  void all_reduce(const at::Tensor& payload);
  template <class Collective>
  void carry(const at::Tensor& payload, const Collective& start);

  comm::Communicator& replicas_;
  at::ScalarType format_;
  Meter& meter_;
  Workspace scratch_;
};

}  // namespace spillway::compression
