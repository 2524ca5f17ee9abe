#pragma once

#include "compression/low_rank/batch.hpp"

namespace spillway::compression {

/// One matrix after the other, with the functions of skinny_gemm.hpp and orthogonalize.hpp: for the
/// CPU, and for ranks and devices that have no kernels for batches.
class LoopBatch final : public LowRankBatch {
 public:
  void start(std::span<LowRankMatrix> matrices) override;
  void add_error() override;
  void orthogonalize(Side side) override;
  void project(bool add_error) override;
  void project_transposed() override;
  void check_finite(Side side) override;
  void reconstruct() override;
  void finish() override {}

 private:
  std::span<LowRankMatrix> matrices_;
};

}  // namespace spillway::compression
