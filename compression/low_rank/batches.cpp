#include "compression/low_rank/batches.hpp"

#include <algorithm>
#include <array>

namespace spillway::compression {
namespace {

BatchKernels& batch_kernels(c10::DeviceType device) {
  static std::array<BatchKernels, c10::COMPILE_TIME_MAX_DEVICE_TYPES> known;
  return known.at(static_cast<std::size_t>(device));
}

}  // namespace

void set_batch_kernels(c10::DeviceType device, BatchKernels kernels) {
  batch_kernels(device) = kernels;
}

LowRankBatch& Batches::start(std::span<LowRankMatrix> matrices) {
  LowRankBatch& batch = choose(matrices);
  batch.start(matrices);
  return batch;
}

LowRankBatch& Batches::choose(std::span<const LowRankMatrix> matrices) {
  if (matrices.empty()) return loop_;
  const BatchKernels& kernels = batch_kernels(matrices.front().grad_MN.device().type());
  const bool fit = std::ranges::all_of(matrices, [&](const LowRankMatrix& matrix) {
    return matrix.p_RM.size(0) <= kernels.largest_rank;
  });
  if (!fit) return loop_;
  if (!kernels_) kernels_ = kernels.make();
  return *kernels_;
}

}  // namespace spillway::compression
