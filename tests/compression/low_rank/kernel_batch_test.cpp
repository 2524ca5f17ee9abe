// The kernels for batches, run on the host, against float64 and against the functions of the CPU.
#include <gtest/gtest.h>

#include "compression/low_rank/loop_batch.hpp"
#include "tests/compression/low_rank/host_launcher.hpp"
#include "tests/compression/low_rank/matrices.hpp"

namespace spillway::compression {
namespace {

using batched::KernelBatch;

TEST(KernelBatch, ProjectAddsTheErrorAndMultipliesByTheFactor) {
  for (const bool add : {false, true}) {
    auto matrices = random_matrices(odd_matrices(), 1);
    std::vector<at::Tensor> expected;
    for (const LowRankMatrix& m : matrices)
      expected.push_back(add ? m.grad_MN + m.error_MN : m.grad_MN.clone());
    const auto batch = make_host_batch();
    batch->start(matrices);
    batch->project(add);
    batch->finish();
    for (std::size_t i = 0; i < matrices.size(); ++i) {
      const LowRankMatrix& m = matrices[i];
      EXPECT_TRUE(at::equal(m.grad_MN, expected[i])) << describe(m);
      const at::Tensor p = at::mm(in_double(m.q_RN), in_double(expected[i]).t());
      EXPECT_LT(difference(m.p_RM, p), 2e-6) << describe(m);
    }
  }
}

TEST(KernelBatch, ProjectLeavesMatricesWithoutErrorAsTheyAre) {
  auto matrices = random_matrices({{40, 50, 2}, {50, 40, 2}}, 2);
  matrices[0].error_MN.reset();
  const at::Tensor first = matrices[0].grad_MN.clone(), second = matrices[1].grad_MN.clone();
  const auto batch = make_host_batch();
  batch->start(matrices);
  batch->project(true);
  batch->finish();
  EXPECT_TRUE(at::equal(matrices[0].grad_MN, first));
  EXPECT_TRUE(at::equal(matrices[1].grad_MN, second + matrices[1].error_MN));
}

TEST(KernelBatch, ProjectTransposedMultipliesFromTheLeft) {
  auto matrices = random_matrices(odd_matrices(), 3);
  const auto batch = make_host_batch();
  batch->start(matrices);
  batch->project_transposed();
  batch->finish();
  for (const LowRankMatrix& m : matrices) {
    const at::Tensor q = at::mm(in_double(m.p_RM), in_double(m.grad_MN));
    EXPECT_LT(difference(m.q_RN, q), 2e-6) << describe(m);
  }
}

TEST(KernelBatch, ReconstructSplitsTheGradientIntoSentAndKept) {
  auto matrices = random_matrices(odd_matrices(), 4);
  std::vector<at::Tensor> given;
  for (const LowRankMatrix& m : matrices) given.push_back(m.grad_MN.clone());
  const auto batch = make_host_batch();
  batch->start(matrices);
  batch->reconstruct();
  batch->finish();
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const LowRankMatrix& m = matrices[i];
    const at::Tensor sent = at::mm(in_double(m.p_RM).t(), in_double(m.q_RN));
    const at::Tensor kept =
        in_double(given[i]) - at::mm(in_double(m.own_p_RM).t(), in_double(m.own_q_RN));
    EXPECT_LT(difference(m.grad_MN, sent), 2e-6) << describe(m);
    EXPECT_LT(difference(m.kept_MN, kept), 2e-6) << describe(m);
    EXPECT_NEAR(m.kept_squares / kept.square().sum().item<double>(), 1, 2e-6) << describe(m);
  }
}

TEST(KernelBatch, ReconstructWithoutFeedbackKeepsNothing) {
  auto matrices = random_matrices({{40, 50, 2}, {50, 40, 2}}, 5);
  matrices[0].kept_MN.reset();
  const auto batch = make_host_batch();
  batch->start(matrices);
  batch->reconstruct();
  batch->finish();
  EXPECT_EQ(matrices[0].kept_squares, 0);
  EXPECT_GT(matrices[1].kept_squares, 0);
  const at::Tensor sent = at::mm(in_double(matrices[0].p_RM).t(), in_double(matrices[0].q_RN));
  EXPECT_LT(difference(matrices[0].grad_MN, sent), 2e-6);
}

TEST(KernelBatch, ExchangeAgreesWithTheLoopOverMatrices) {
  auto matrices = random_matrices(odd_matrices(), 6), others = random_matrices(odd_matrices(), 6);
  LoopBatch loop;
  exchange_alone(*make_host_batch(), matrices);
  exchange_alone(loop, others);
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const auto mine = results(matrices[i]), theirs = results(others[i]);
    for (std::size_t k = 0; k < mine.size(); ++k)
      EXPECT_LT(difference(mine[k], theirs[k]), 1e-5) << describe(matrices[i]) << ", " << k;
    EXPECT_NEAR(matrices[i].kept_squares / others[i].kept_squares, 1, 1e-5)
        << describe(matrices[i]);
    EXPECT_TRUE(matrices[i].finite);
  }
}

TEST(KernelBatch, OrderOfThreadsAndBlocksDoesNotChangeABit) {
  auto matrices = random_matrices(odd_matrices(), 7), others = random_matrices(odd_matrices(), 7);
  for (auto* both : {&matrices, &others}) (*both)[3].q_RN[1].copy_((*both)[3].q_RN[0]);
  KernelBatch backward(std::make_unique<HostLauncher>(Order::backward));
  exchange_alone(*make_host_batch(), matrices);
  exchange_alone(backward, others);
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    const auto mine = results(matrices[i]), theirs = results(others[i]);
    for (std::size_t k = 0; k < mine.size(); ++k)
      EXPECT_TRUE(at::equal(mine[k], theirs[k])) << describe(matrices[i]) << ", " << k;
    EXPECT_EQ(matrices[i].kept_squares, others[i].kept_squares);
  }
}

/// Counts launches on the way to the host.
class CountingLauncher final : public batched::Launcher {
 public:
  explicit CountingLauncher(int& launches) : launches_(launches) {}
  void launch(batched::Kernel kernel, std::int64_t blocks, const batched::Batch& batch) override {
    ++launches_;
    host_.launch(kernel, blocks, batch);
  }

 private:
  int& launches_;
  HostLauncher host_;
};

TEST(KernelBatch, NumberOfLaunchesDoesNotDependOnTheMatrices) {
  for (const auto& cases : {std::vector<MatrixCase>{{5, 7, 1}}, odd_matrices()}) {
    auto matrices = random_matrices(cases, 12);
    int launches = 0;
    KernelBatch batch(std::make_unique<CountingLauncher>(launches));
    exchange_alone(batch, matrices);
    EXPECT_EQ(launches, 20);
  }
}

TEST(KernelBatch, WhatIsNotFiniteIsOutAndTheRestIsAsWithoutIt) {
  for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf("")}) {
    auto matrices = random_matrices(odd_matrices(), 8), others = random_matrices(odd_matrices(), 8);
    matrices[4].grad_MN[60][30] = bad;
    const auto batch = make_host_batch();
    exchange_alone(*batch, matrices);
    exchange_alone(*make_host_batch(), others);
    for (std::size_t i = 0; i < matrices.size(); ++i) {
      EXPECT_EQ(matrices[i].finite, i != 4);
      if (i == 4) continue;
      const auto mine = results(matrices[i]), theirs = results(others[i]);
      for (std::size_t k = 0; k < mine.size(); ++k) EXPECT_TRUE(at::equal(mine[k], theirs[k]));
    }
    EXPECT_TRUE(matrices[4].grad_MN.isnan().all().item<bool>());
    EXPECT_EQ(matrices[4].q_RN.abs().max().item<float>(), 0);
    EXPECT_TRUE(matrices[4].kept_MN.eq(7).all().item<bool>());
    EXPECT_EQ(matrices[4].kept_squares, 0);
    matrices = random_matrices(odd_matrices(), 8);  // the next batch begins anew
    exchange_alone(*batch, matrices);
    EXPECT_TRUE(at::equal(matrices[4].grad_MN, others[4].grad_MN));
  }
}

TEST(KernelBatch, InfinityInTheRightFactorAlonePutsOutToo) {
  auto matrices = random_matrices({{20, 3000, 2}, {20, 30, 2}}, 9);
  const auto batch = make_host_batch();
  batch->start(matrices);
  matrices[0].q_RN[1][2999] = std::numeric_limits<float>::infinity();
  batch->check_finite(Side::right);
  batch->reconstruct();
  batch->finish();
  EXPECT_FALSE(matrices[0].finite);
  EXPECT_TRUE(matrices[1].finite);
  EXPECT_TRUE(matrices[0].grad_MN.isnan().all().item<bool>());
}

TEST(KernelBatch, AddsErrorsOnTheirOwn) {
  auto matrices = random_matrices({{20, 30, 2}, {7, 9, 1}}, 10);
  matrices[1].error_MN.reset();
  const at::Tensor sum = matrices[0].grad_MN + matrices[0].error_MN;
  const at::Tensor alone = matrices[1].grad_MN.clone();
  const auto batch = make_host_batch();
  batch->start(matrices);
  batch->add_error();
  batch->finish();
  EXPECT_TRUE(at::equal(matrices[0].grad_MN, sum));
  EXPECT_TRUE(at::equal(matrices[1].grad_MN, alone));
}

TEST(KernelBatch, RefusesRanksAndTypesThatItDoesNotTake) {
  auto matrices = random_matrices({{70, 80, 65}}, 11);
  EXPECT_THROW(make_host_batch()->start(matrices), c10::Error);
  matrices = random_matrices({{3, 80, 4}}, 11);
  EXPECT_THROW(make_host_batch()->start(matrices), c10::Error);
  matrices = random_matrices({{30, 80, 4}}, 11);
  matrices[0].error_MN = matrices[0].error_MN.to(at::kDouble);
  EXPECT_THROW(make_host_batch()->start(matrices), c10::Error);
  matrices = random_matrices({{30, 80, 4}}, 11);
  matrices[0].grad_MN = at::randn({80, 30}).t();
  EXPECT_THROW(make_host_batch()->start(matrices), c10::Error);
}

}  // namespace
}  // namespace spillway::compression
