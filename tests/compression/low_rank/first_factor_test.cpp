#include "compression/low_rank/first_factor.hpp"

#include <gtest/gtest.h>

namespace spillway::compression {
namespace {

TEST(FirstFactor, SeedsAreThoseOfNumpy) {
  // numpy.random.RandomState(0).randint(10**9, size=3), then RandomState(42).randint(10**9)
  EXPECT_EQ(factor_seed(0, 0), 209652396U);
  EXPECT_EQ(factor_seed(0, 1), 398764591U);
  EXPECT_EQ(factor_seed(0, 2), 924231285U);
  EXPECT_EQ(factor_seed(42, 0), 534895718U);
  EXPECT_THROW(factor_seed(0, -1), c10::Error);
}

TEST(FirstFactor, BitsAreThoseOfTheHookInItsOrder) {
  const std::vector<LowRankShape> shapes{
      {12, 3, 2}, {40, 20, 4}, {3, 12, 2}, {40, 20, 4}, {12, 3, 2}};
  const auto factors = draw_factors(shapes, 209652396);
  at::manual_seed(209652396);
  for (const std::size_t i :
       {0U, 4U, 1U, 3U, 2U}) {  // groups of equal shape, in order of first appearance
    const at::Tensor expected = at::randn({1, shapes[i].columns, shapes[i].approximation_rank});
    EXPECT_TRUE(at::equal(factors[i].t(), expected[0])) << i;
  }
}

TEST(FirstFactor, DrawingLeavesTheGlobalGeneratorAlone) {
  at::manual_seed(5);
  const at::Tensor expected = at::randn({4});
  at::manual_seed(5);
  draw_factors({{30, 20, 4}}, 1);
  EXPECT_TRUE(at::equal(at::randn({4}), expected));
}

}  // namespace
}  // namespace spillway::compression
