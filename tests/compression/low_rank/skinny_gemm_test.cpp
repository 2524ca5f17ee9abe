#include "compression/low_rank/skinny_gemm.hpp"

#include <ATen/Parallel.h>
#include <gtest/gtest.h>

namespace spillway::compression {
namespace {

struct Case {
  std::int64_t rows, columns, rank;
};

/// Odd sizes around vector widths and row blocks; ranks on both sides of what the vector kernels
/// take.
const std::vector<Case> kCases{{1, 1, 1},     {1, 37, 1},   {37, 1, 1},   {5, 7, 2},
                               {16, 16, 4},   {13, 129, 3}, {130, 31, 8}, {67, 70, 5},
                               {200, 96, 16}, {64, 80, 33}, {90, 96, 70}, {3, 1000, 3},
                               {45, 1100, 32}};

void expect_near(const at::Tensor& actual, const at::Tensor& expected, const Case& c) {
  const double scale = expected.abs().max().item<double>() + 1e-30;
  const double difference = (actual.to(at::kDouble) - expected).abs().max().item<double>();
  EXPECT_LT(difference / scale, 2e-6) << c.rows << " x " << c.columns << ", rank " << c.rank;
}

TEST(SkinnyGemm, ProjectAddsTheErrorAndMultipliesByTheFactor) {
  at::manual_seed(1);
  for (const Case& c : kCases) {
    const at::Tensor grad = at::randn({c.rows, c.columns}), error = at::randn({c.rows, c.columns});
    const at::Tensor q = at::randn({c.rank, c.columns});
    at::Tensor p = at::empty({c.rank, c.rows});
    at::Tensor plain = grad.clone();
    project(plain, at::Tensor(), q, p);
    expect_near(p, at::mm(q.to(at::kDouble), grad.to(at::kDouble).t()), c);
    EXPECT_TRUE(at::equal(plain, grad));
    at::Tensor sum = grad.clone();
    project(sum, error, q, p);
    EXPECT_TRUE(at::equal(sum, grad + error));
    expect_near(p, at::mm(q.to(at::kDouble), (grad + error).to(at::kDouble).t()), c);
  }
}

TEST(SkinnyGemm, ProjectTransposedMultipliesFromTheLeft) {
  at::manual_seed(2);
  for (const Case& c : kCases) {
    const at::Tensor grad = at::randn({c.rows, c.columns}), p = at::randn({c.rank, c.rows});
    at::Tensor q = at::full({c.rank, c.columns}, 7.0);
    project_transposed(grad, p, q);
    expect_near(q, at::mm(p.to(at::kDouble), grad.to(at::kDouble)), c);
  }
}

TEST(SkinnyGemm, ReconstructSplitsTheGradientIntoSentAndKept) {
  at::manual_seed(3);
  for (const Case& c : kCases) {
    const at::Tensor grad = at::randn({c.rows, c.columns}), p = at::randn({c.rank, c.rows});
    const at::Tensor q = at::randn({c.rank, c.columns}), own = at::randn({c.rank, c.columns});
    at::Tensor out = grad.clone(), error = at::full({c.rows, c.columns}, 7.0), none;
    const double squares = reconstruct(out, error, p, q, own);
    const at::Tensor kept =
        grad.to(at::kDouble) - at::mm(p.to(at::kDouble).t(), own.to(at::kDouble));
    expect_near(out, at::mm(p.to(at::kDouble).t(), q.to(at::kDouble)), c);
    expect_near(error, kept, c);
    EXPECT_NEAR(squares / kept.square().sum().item<double>(), 1, 1e-5);
    at::Tensor again = grad.clone();
    EXPECT_EQ(reconstruct(again, none, p, q, own), 0);
    EXPECT_TRUE(at::equal(again, out));
  }
}

TEST(SkinnyGemm, NumberOfThreadsDoesNotChangeABit) {
  at::manual_seed(5);
  const at::Tensor grad = at::randn({1001, 777}), error = at::randn({1001, 777});
  for (const std::int64_t rank : {3, 36}) {
    const at::Tensor q = at::randn({rank, 777});
    std::vector<at::Tensor> results[2];
    for (const int threads : {1, 3}) {
      at::set_num_threads(threads);
      at::Tensor d = grad.clone(), p = at::empty({rank, 1001}), right = at::empty({rank, 777}),
                 kept = at::empty_like(d);
      project(d, error, q, p);
      project_transposed(d, p, right);
      reconstruct(d, kept, p, right, q);
      results[threads / 3] = {d, p, right, kept};
    }
    at::set_num_threads(1);
    for (std::size_t i = 0; i < 4; ++i)
      EXPECT_TRUE(at::equal(results[0][i], results[1][i])) << i << ", rank " << rank;
  }
}

TEST(SkinnyGemm, BufferThatDoesNotStartAtAVectorBoundaryWorks) {
  at::manual_seed(4);
  const at::Tensor buffer = at::randn({1 + 33 * 21});
  at::Tensor grad = buffer.narrow(0, 1, 33 * 21).view({33, 21});
  const at::Tensor q = at::randn({1 + 2 * 21}).narrow(0, 1, 2 * 21).view({2, 21});
  at::Tensor p = at::empty({1 + 2 * 33}).narrow(0, 1, 2 * 33).view({2, 33});
  project(grad, at::Tensor(), q, p);
  expect_near(p, at::mm(q.to(at::kDouble), grad.to(at::kDouble).t()), {33, 21, 2});
}

}  // namespace
}  // namespace spillway::compression
