// The kernels for batches on a GPU, against float64, against themselves on the host, and against
// the loop over matrices.
#include <ATen/DeviceAccelerator.h>
#include <gtest/gtest.h>

#include "compression/low_rank/batches.hpp"
#include "compression/low_rank/cuda/cuda_batches.hpp"
#include "tests/compression/low_rank/host_launcher.hpp"
#include "tests/compression/low_rank/matrices.hpp"

namespace spillway::compression {
namespace {

class CudaBatch : public testing::Test {
 protected:
  void SetUp() override {
    if (!at::hasCUDA() || at::accelerator::deviceCount() == 0)
      GTEST_SKIP() << "no CUDA device: the kernels ran on the host only, in kernel_batch_test";
    enable_cuda_batches();
  }

  LowRankBatch& start(std::span<LowRankMatrix> matrices) {
    LowRankBatch& batch = batches_.start(matrices);
    EXPECT_NE(dynamic_cast<batched::KernelBatch*>(&batch), nullptr);
    return batch;
  }

  Batches batches_;
};

TEST_F(CudaBatch, ProductsAgreeWithFloat64) {
  auto matrices = random_matrices(odd_matrices(), 1, at::kCUDA);
  std::vector<at::Tensor> sums;
  for (const LowRankMatrix& m : matrices) sums.push_back(m.grad_MN + m.error_MN);
  LowRankBatch& batch = start(matrices);
  batch.project(true);
  batch.finish();
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const at::Tensor p = at::mm(in_double(matrices[i].q_RN), in_double(sums[i]).t());
    EXPECT_TRUE(at::equal(matrices[i].grad_MN, sums[i])) << describe(matrices[i]);
    EXPECT_LT(difference(matrices[i].p_RM, p), 2e-6) << describe(matrices[i]);
  }
  start(matrices);
  batch.project_transposed();
  batch.reconstruct();
  batch.finish();
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const LowRankMatrix& m = matrices[i];
    const at::Tensor q = at::mm(in_double(m.p_RM), in_double(sums[i]));
    const at::Tensor sent = at::mm(in_double(m.p_RM).t(), in_double(m.q_RN));
    const at::Tensor kept =
        in_double(sums[i]) - at::mm(in_double(m.own_p_RM).t(), in_double(m.own_q_RN));
    EXPECT_LT(difference(m.q_RN, q), 2e-6) << describe(m);
    EXPECT_LT(difference(m.grad_MN, sent), 2e-6) << describe(m);
    EXPECT_LT(difference(m.kept_MN, kept), 2e-6) << describe(m);
    EXPECT_NEAR(m.kept_squares / kept.square().sum().item<double>(), 1, 2e-6) << describe(m);
  }
}

TEST_F(CudaBatch, ExchangeAgreesWithTheHostToRoundingAndWithItselfToTheBit) {
  auto first = random_matrices(odd_matrices(), 2, at::kCUDA);
  auto second = random_matrices(odd_matrices(), 2, at::kCUDA);
  auto host = random_matrices(odd_matrices(), 2), loop = random_matrices(odd_matrices(), 2);
  exchange_alone(start(first), first);
  exchange_alone(start(second), second);
  exchange_alone(*make_host_batch(), host);
  LoopBatch loop_batch;
  exchange_alone(loop_batch, loop);
  for (std::size_t i = 0; i < first.size(); ++i) {
    const auto a = results(first[i]), b = results(second[i]);
    const auto c = results(host[i]), d = results(loop[i]);
    for (std::size_t k = 0; k < a.size(); ++k) {
      EXPECT_TRUE(at::equal(a[k], b[k])) << describe(first[i]) << ", " << k;
      EXPECT_LT(difference(a[k], c[k]), 1e-5) << describe(first[i]) << ", " << k;
      EXPECT_LT(difference(a[k], d[k]), 1e-5) << describe(first[i]) << ", " << k;
    }
    EXPECT_EQ(first[i].kept_squares, second[i].kept_squares) << describe(first[i]);
  }
}

TEST_F(CudaBatch, FactorsBecomeOrthonormalHoweverBadTheyAre) {
  at::manual_seed(3);
  std::vector<at::Tensor> given{at::zeros({4, 9}), at::ones({1, 1}), at::randn({32, 700}) * 1e18,
                                at::randn({5, 1}).matmul(at::randn({1, 50}))};
  for (const double condition : {1.0, 1e3, 1e6}) {
    for (const auto& [r, n] : {std::pair{2, 7}, {4, 50257}, {32, 2000}, {64, 100}})
      given.push_back(with_condition(r, n, condition));
  }
  std::vector<LowRankMatrix> matrices;
  for (const at::Tensor& factor : given) {
    auto m = random_matrices({{factor.size(0), factor.size(1), factor.size(0)}}, 4, at::kCUDA)[0];
    m.q_RN.copy_(factor);
    matrices.push_back(m);
  }
  LowRankBatch& batch = start(matrices);
  batch.orthogonalize(Side::right);
  batch.finish();
  for (std::size_t i = 0; i < given.size(); ++i) {
    EXPECT_LT(defect(matrices[i].q_RN), 1e-5) << given[i].sizes();
    EXPECT_LT(outside(given[i], matrices[i].q_RN), 1e-5) << given[i].sizes();
  }
}

TEST_F(CudaBatch, WhatIsNotFiniteIsOutAndTheRestIsAsWithoutIt) {
  auto matrices = random_matrices(odd_matrices(), 5, at::kCUDA);
  auto others = random_matrices(odd_matrices(), 5, at::kCUDA);
  matrices[4].grad_MN[60][30] = std::numeric_limits<float>::infinity();
  exchange_alone(start(matrices), matrices);
  exchange_alone(start(others), others);
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    EXPECT_EQ(matrices[i].finite, i != 4);
    if (i == 4) continue;
    const auto mine = results(matrices[i]), theirs = results(others[i]);
    for (std::size_t k = 0; k < mine.size(); ++k) EXPECT_TRUE(at::equal(mine[k], theirs[k]));
  }
  EXPECT_TRUE(matrices[4].grad_MN.isnan().all().item<bool>());
  EXPECT_EQ(matrices[4].q_RN.abs().max().item<float>(), 0);
  EXPECT_TRUE(matrices[4].kept_MN.eq(7).all().item<bool>());
}

}  // namespace
}  // namespace spillway::compression
