#pragma once

#include <memory>
#include <span>

#include "compression/low_rank/batch.hpp"
#include "compression/low_rank/loop_batch.hpp"

namespace spillway::compression {

/// Kernels that take whole batches on some kind of device.
struct BatchKernels {
  std::int64_t largest_rank = 0;  ///< that they take; 0: there are none
  std::unique_ptr<LowRankBatch> (*make)() = nullptr;
};

/// Makes kernels known to all Batches made from then on.
void set_batch_kernels(c10::DeviceType device, BatchKernels kernels);

/// The batches of one compressor, one at a time.
class Batches {
 public:
  /// Started: in the kernels of their device where those are known and take the ranks, else one by
  /// one. Valid until the next call.
  LowRankBatch& start(std::span<LowRankMatrix> matrices);

 private:
  LowRankBatch& choose(std::span<const LowRankMatrix> matrices);

  LoopBatch loop_;
  std::unique_ptr<LowRankBatch> kernels_;
};

}  // namespace spillway::compression
