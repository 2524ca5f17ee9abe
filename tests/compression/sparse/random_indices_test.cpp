#include "compression/sparse/random_indices.hpp"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <vector>

namespace spillway::compression {
namespace {

std::vector<std::int32_t> draw(std::uint64_t seed, std::int64_t n, std::int64_t k) {
  RandomIndices indices;
  std::vector<std::int32_t> drawn(static_cast<std::size_t>(k));
  indices.draw(seed, n, k, drawn.data());
  return drawn;
}

TEST(RandomIndices, AreDistinctAscendingAndInRange) {
  for (const std::int64_t n : {1, 2, 63, 64, 65, 1000, 100'003}) {
    for (const std::int64_t k : {std::int64_t{0}, n / 1000, n / 10, n / 2, n - 1}) {
      const auto drawn = draw(7, n, k);
      ASSERT_EQ(std::set<std::int32_t>(drawn.begin(), drawn.end()).size(), drawn.size());
      ASSERT_TRUE(std::ranges::is_sorted(drawn));
      for (const std::int32_t i : drawn) ASSERT_TRUE(i >= 0 && i < n) << i << " of " << n;
    }
    std::vector<std::int32_t> all(static_cast<std::size_t>(n));
    std::iota(all.begin(), all.end(), 0);
    EXPECT_EQ(draw(7, n, n), all);
  }
}

/// Values worked out by a separate implementation of the two published methods.
TEST(RandomIndices, AreTheSameOnEveryMachine) {
  EXPECT_EQ(draw(1, 1000, 8), (std::vector<std::int32_t>{60, 157, 300, 348, 442, 565, 713, 857}));
  EXPECT_EQ(draw(0xFFFFFFFFFFFFFFFF, 2'000'000'000, 5),
            (std::vector<std::int32_t>{553530343, 589461381, 757397526, 911744920, 1309308298}));
}

TEST(RandomIndices, OneObjectDrawsAsIfItWereNew) {
  RandomIndices kept;
  std::vector<std::int32_t> drawn(500);
  kept.draw(1, 100'000, 500, drawn.data());
  drawn.resize(20);
  kept.draw(2, 300, 20, drawn.data());
  EXPECT_EQ(drawn, draw(2, 300, 20));
}

/// All 10 pairs of 5: each is drawn 1000 +- 30 times of 10000; five deviations allowed.
TEST(RandomIndices, EverySetIsEquallyLikely) {
  std::map<std::vector<std::int32_t>, int> times;
  for (std::uint64_t seed = 0; seed < 10'000; ++seed) ++times[draw(seed, 5, 2)];
  EXPECT_EQ(times.size(), 10U);
  for (const auto& [pair, number] : times) EXPECT_NEAR(number, 1000, 150) << pair[0] << pair[1];
}

TEST(RandomIndices, RefusesMoreThanThereIs) {
  EXPECT_THROW(draw(1, 3, 4), c10::Error);
  EXPECT_THROW(draw(1, std::int64_t{1} << 31, 1), c10::Error);
}

}  // namespace
}  // namespace spillway::compression
