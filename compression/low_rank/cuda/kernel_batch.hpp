#pragma once

#include <memory>

#include "compression/low_rank/batch.hpp"
#include "compression/low_rank/cuda/batch_plan.hpp"
#include "compression/low_rank/cuda/kernel.hpp"
#include "compression/workspace.hpp"

namespace spillway::compression::batched {

/// A batch in kernels that take all its matrices at once: per call a fixed number of launches, one
/// copy of tables to the device at start(), and one of outcomes back, with one wait for the stream,
/// in finish(). Deterministic: sums are cut by shape alone and added in a fixed order.
/// Ranks up to kMaxRank. Working memory, kept for the next batch: for a matrix [M, N] of rank R
/// about R M N / 256 floats for the parts of a factor, and R max(M, N) doubles.
class KernelBatch final : public LowRankBatch {
 public:
  explicit KernelBatch(std::unique_ptr<Launcher> launcher) : launcher_(std::move(launcher)) {}

  /// Throws c10::Error for tensors that are not float32 and contiguous, and for R > M or N.
  void start(std::span<LowRankMatrix> matrices) override;
  void add_error() override;
  /// CholeskyQR2 in float64; Gram-Schmidt twice, in the same launches, where the device finds a
  /// factor numerically singular.
  void orthogonalize(Side side) override;
  void project(bool add_error) override;
  void project_transposed() override;
  void check_finite(Side side) override;
  void reconstruct() override;
  void finish() override;

 private:
  void launch(Kernel kernel, std::int64_t blocks);
  void sum_parts(Side side);

  std::unique_ptr<Launcher> launcher_;
  std::span<LowRankMatrix> matrices_;
  BatchPlan plan_;
  Batch batch_;
  Workspace device_, host_;
  at::Tensor memory_, tables_;  // of the batch on the device; what the host fills and reads of it
};

}  // namespace spillway::compression::batched
