#pragma once

#include "compression/compressor.hpp"
#include "compression/wire.hpp"
#include "compression/workspace.hpp"

namespace spillway::compression {

/// Sends gradients whole: one all-reduce in a number format of the wire, and a division by the
/// number of replicas. No state. In fp16 the division comes first, so that sums do not leave the
/// range of the format (65504), which a gradient may all the same: it becomes infinite.
class Dense final : public Compressor {
 public:
  /// `format`: "fp32" | "bf16" | "fp16".
  Dense(comm::Communicator& replicas, const std::string& format, Meter& meter)
      : wire_(replicas, format, meter) {}

  bool feeds_back() const override { return false; }
  void exchange(std::span<Piece> pieces) override;

 private:
  Wire wire_;
  Workspace workspace_;
};

}  // namespace spillway::compression
