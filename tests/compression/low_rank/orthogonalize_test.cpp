#include "compression/low_rank/orthogonalize.hpp"

#include <gtest/gtest.h>

namespace spillway::compression {
namespace {

double defect(const at::Tensor& a_RN) {
  const at::Tensor a = a_RN.to(at::kDouble);
  return (at::mm(a, a.t()) - at::eye(a.size(0), at::kDouble)).abs().max().item<double>();
}

/// Largest part of a row of `a` outside of the span of the orthonormal rows of `basis`, relative to
/// the row.
double outside(const at::Tensor& a, const at::Tensor& basis) {
  const at::Tensor x = a.to(at::kDouble), q = basis.to(at::kDouble);
  const at::Tensor rest = x - at::mm(at::mm(x, q.t()), q);
  return (rest.norm(2, 1) / x.norm(2, 1)).max().item<double>();
}

/// Random rows [r, n] whose singular values fall geometrically from 1 to 1 / condition.
at::Tensor with_condition(std::int64_t r, std::int64_t n, double condition) {
  const auto options = at::TensorOptions(at::kDouble);
  const at::Tensor left = std::get<0>(at::linalg_qr(at::randn({r, r}, options)));
  const at::Tensor right = std::get<0>(at::linalg_qr(at::randn({n, r}, options)));
  const at::Tensor values = at::logspace(0, -std::log10(condition), r, 10.0, options);
  return at::mm(left * values, right.t()).to(at::kFloat).contiguous();
}

TEST(Orthogonalize, RowsAreOrthonormalForConditionNumbersUpToAMillion) {
  at::manual_seed(1);
  for (const double condition : {1.0, 1e3, 1e6}) {
    for (const auto& [r, n] : {std::pair{2, 7}, {4, 768}, {8, 1001}, {32, 2000}}) {
      const at::Tensor given = with_condition(r, n, condition);
      at::Tensor a = given.clone();
      orthogonalize(a);
      EXPECT_LT(defect(a), 1e-6) << r << " x " << n << ", condition " << condition;
      EXPECT_LT(outside(given, a), 1e-6) << r << " x " << n << ", condition " << condition;
    }
  }
}

TEST(Orthogonalize, SquareSingleAndScaledMatricesWork) {
  at::manual_seed(2);
  for (const double scale : {1e-30, 1.0, 1e18}) {
    for (const auto& [r, n] : {std::pair{1, 1}, {1, 9}, {5, 5}}) {
      at::Tensor a = at::randn({r, n}) * scale;
      orthogonalize(a);
      EXPECT_LT(defect(a), 1e-6) << scale;
    }
  }
}

TEST(Orthogonalize, DegenerateRowsAreReplacedAndTheSpanIsKept) {
  at::manual_seed(3);
  const at::Tensor direction = at::randn({1, 50});
  const at::Tensor rank_one = at::randn({4, 1}).matmul(direction);
  const at::Tensor equal_rows = direction.expand({3, 50}).contiguous();
  for (const at::Tensor& given : {rank_one, equal_rows}) {
    at::Tensor a = given.clone();
    orthogonalize(a);
    EXPECT_LT(defect(a), 1e-6);
    EXPECT_LT(outside(given, a), 1e-6);
  }
  at::Tensor zero = at::zeros({4, 4});
  orthogonalize(zero);
  EXPECT_LT(defect(zero), 1e-6);
}

TEST(Orthogonalize, ZeroColumnsStayZeroBesideDegenerateRows) {
  at::manual_seed(4);
  at::Tensor a = at::randn({1, 40}).expand({3, 40}).contiguous();
  a.slice(1, 10, 20).zero_();
  orthogonalize(a);
  EXPECT_LT(defect(a), 1e-6);
  EXPECT_EQ(a.slice(1, 10, 20).abs().max().item<float>(), 0.0F);
}

TEST(Orthogonalize, EqualBitsGiveEqualBits) {
  at::manual_seed(5);
  at::Tensor first = at::randn({3, 100});
  first[2].copy_(first[0]);
  at::Tensor second = first.clone();
  orthogonalize(first);
  orthogonalize(second);
  EXPECT_TRUE(at::equal(first, second));
}

TEST(Orthogonalize, MoreRowsThanColumnsAreRefused) {
  at::Tensor a = at::ones({3, 2});
  EXPECT_THROW(orthogonalize(a), c10::Error);
}

}  // namespace
}  // namespace spillway::compression
