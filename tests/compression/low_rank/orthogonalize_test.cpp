#include "compression/low_rank/orthogonalize.hpp"

#include <gtest/gtest.h>

#include "tests/compression/low_rank/matrices.hpp"

namespace spillway::compression {
namespace {

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
