#include "compression/low_rank/low_rank_shape.hpp"

#include <gtest/gtest.h>

namespace spillway::compression {
namespace {

TEST(LowRankShape, FirstDimensionIsRowsTheRestColumns) {
  const LowRankShape convolution = low_rank_shape({8, 3, 5, 5}, 4);
  EXPECT_EQ(convolution.rows, 8);
  EXPECT_EQ(convolution.columns, 75);
  EXPECT_EQ(convolution.approximation_rank, 4);
  EXPECT_EQ(low_rank_shape({7}, 4).approximation_rank, 1);
  EXPECT_EQ(low_rank_shape({3, 9}, 4).approximation_rank, 3);
  EXPECT_EQ(low_rank_shape({}, 4).dense(), 1);
  EXPECT_EQ(low_rank_shape({0, 5}, 4).dense(), 0);
}

TEST(LowRankShape, CompressionMustBeStrictlyWorthIt) {
  EXPECT_FALSE(worth_compressing(low_rank_shape({4, 4}, 1), 2.0));  // 8 * 2 = 16
  EXPECT_TRUE(worth_compressing(low_rank_shape({4, 4}, 1), 1.99));
  EXPECT_TRUE(worth_compressing(low_rank_shape({4, 5}, 1), 2.0));  // 18 < 20
  EXPECT_FALSE(worth_compressing(low_rank_shape({1000}, 1), 1.0));
  EXPECT_FALSE(worth_compressing(low_rank_shape({1, 1000}, 4), 1.0));
  EXPECT_FALSE(worth_compressing(low_rank_shape({}, 1), 1.0));
  EXPECT_FALSE(worth_compressing(low_rank_shape({0, 5}, 4), 0.0));
}

}  // namespace
}  // namespace spillway::compression
