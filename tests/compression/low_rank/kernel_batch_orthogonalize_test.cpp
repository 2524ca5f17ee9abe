// CholeskyQR2 and Gram-Schmidt of the kernels for batches, run on the host.
#include <gtest/gtest.h>

#include "compression/low_rank/orthogonalize.hpp"
#include "tests/compression/low_rank/host_launcher.hpp"
#include "tests/compression/low_rank/matrices.hpp"

namespace spillway::compression {
namespace {

/// `factors` made orthonormal in one batch, as right factors, or left ones.
std::vector<at::Tensor> orthogonalized(const std::vector<at::Tensor>& factors, Side side) {
  std::vector<LowRankMatrix> matrices;
  for (const at::Tensor& factor : factors) {
    const std::int64_t rank = factor.size(0), across = factor.size(1);
    const bool left = side == Side::left;
    auto matrix = random_matrices({{left ? across : rank, left ? rank : across, rank}}, 1)[0];
    (left ? matrix.p_RM : matrix.q_RN).copy_(factor);
    matrices.push_back(matrix);
  }
  const auto batch = make_host_batch();
  batch->start(matrices);
  batch->orthogonalize(side);
  batch->finish();
  std::vector<at::Tensor> results;
  for (const LowRankMatrix& m : matrices) results.push_back(side == Side::left ? m.p_RM : m.q_RN);
  return results;
}

TEST(KernelBatchOrthogonalize, RowsAreOrthonormalForConditionNumbersUpToAMillion) {
  at::manual_seed(1);
  std::vector<at::Tensor> given;
  for (const double condition : {1.0, 1e2, 1e3, 1e4, 1e5, 1e6}) {
    for (const auto& [r, n] :
         {std::pair{2, 7}, {4, 768}, {7, 1001}, {8, 513}, {32, 2000}, {32, 32}, {64, 100}})
      given.push_back(with_condition(r, n, condition));
  }
  for (const Side side : {Side::left, Side::right}) {
    const auto results = orthogonalized(given, side);
    for (std::size_t i = 0; i < given.size(); ++i) {
      EXPECT_LT(defect(results[i]), 1e-6) << given[i].sizes() << ", number " << i;
      EXPECT_LT(outside(given[i], results[i]), 1e-6) << given[i].sizes() << ", number " << i;
    }
  }
}

/// In exact arithmetic there is one lower triangular way for both; a row that is nearly in the span
/// of those above is known less well, by its condition number.
TEST(KernelBatchOrthogonalize, GivesWhatTheFunctionForOneMatrixGives) {
  at::manual_seed(2);
  std::vector<at::Tensor> given{
      at::randn({1, 33}),          at::randn({4, 4}),
      at::randn({32, 700}) * 1e18, at::randn({5, 1}).matmul(at::randn({1, 50})),
      at::zeros({4, 9}),           at::ones({2, 2}),
      at::ones({1, 1}) * -3,       at::randn({2, 100}) * 1e-30};
  given.push_back(at::randn({1, 40}).expand({3, 40}).contiguous());
  given.back().slice(1, 10, 20).zero_();
  const auto results = orthogonalized(given, Side::right);
  for (std::size_t i = 0; i < given.size(); ++i) {
    at::Tensor expected = given[i].clone();
    orthogonalize(expected);
    EXPECT_LT(defect(results[i]), 1e-6) << "number " << i;
    // A rank-one factor's rows differ by rounding noise alone, but for the first.
    EXPECT_LT(difference(results[i], expected), 1e-6) << "number " << i;
  }
}

TEST(KernelBatchOrthogonalize, ZeroColumnsStayZeroBesideDegenerateRows) {
  at::manual_seed(3);
  at::Tensor given = at::randn({1, 1000}).expand({3, 1000}).contiguous();
  given.slice(1, 10, 700).zero_();
  const at::Tensor result = orthogonalized({given}, Side::left)[0];
  EXPECT_LT(defect(result), 1e-6);
  EXPECT_LT(outside(given, result), 1e-6);
  EXPECT_EQ(result.slice(1, 10, 700).abs().max().item<float>(), 0.0F);
}

TEST(KernelBatchOrthogonalize, RowsThatAreNotFinitePutTheMatrixOutAndNoOther) {
  auto matrices = random_matrices({{30, 40, 3}, {40, 30, 3}}, 4);
  matrices[0].q_RN[0][39] = std::nanf("");
  const auto batch = make_host_batch();
  batch->start(matrices);
  batch->check_finite(Side::right);
  batch->orthogonalize(Side::right);
  batch->finish();
  EXPECT_FALSE(matrices[0].finite);
  EXPECT_TRUE(matrices[1].finite);
  EXPECT_LT(defect(matrices[1].q_RN), 1e-6);
}

}  // namespace
}  // namespace spillway::compression
