#include "data/order/permutation.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "configs/error.hpp"

namespace spillway::data {
namespace {

TEST(Permutation, HitsEveryElementOnceNextToPowersOfTwo) {
  for (const std::uint64_t n :
       {1, 2, 3, 4, 5, 7, 8, 9, 63, 64, 65, 1023, 1024, 1025, 65535, 65536, 65537, 262145}) {
    const Permutation permutation(n, RandomKey(n));
    std::vector<char> seen(n, 0);
    for (std::uint64_t i = 0; i < n; ++i) {
      const std::uint64_t value = permutation(i);
      ASSERT_LT(value, n);
      ASSERT_EQ(seen[value]++, 0) << "n " << n << " position " << i;
      ASSERT_EQ(permutation.inverse(value), i) << "n " << n;
    }
  }
}

TEST(Permutation, InvertsExactlyWhereNoTableWouldFit) {
  for (const std::uint64_t n :
       {(std::uint64_t{1} << 40) + 1, std::uint64_t{1} << 61, std::uint64_t{1} << 62}) {
    const Permutation permutation(n, RandomKey(5));
    RandomKey draw(9);
    for (int k = 0; k < 1000; ++k) {
      const std::uint64_t i = draw.below(n);
      ASSERT_LT(permutation(i), n);
      ASSERT_EQ(permutation.inverse(permutation(i)), i);
    }
  }
}

/// Chi-square of the map from 64 blocks of positions to 64 blocks of values.
double block_map_chi_square(std::uint64_t n, RandomKey key) {
  const Permutation permutation(n, key);
  std::vector<double> counts(64 * 64, 0);
  for (std::uint64_t i = 0; i < n; ++i) counts[(i * 64 / n) * 64 + permutation(i) * 64 / n] += 1;
  const double expected = static_cast<double>(n) / (64 * 64);
  double sum = 0;
  for (const double count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

/// Chi-square of the differences (modulo n) of successive values, in 64 classes.
double difference_chi_square(std::uint64_t n, RandomKey key) {
  const Permutation permutation(n, key);
  std::vector<double> counts(64, 0);
  for (std::uint64_t i = 0; i + 1 < n; ++i)
    counts[(permutation(i + 1) + n - permutation(i)) % n * 64 / n] += 1;
  const double expected = static_cast<double>(n - 1) / 64;
  double sum = 0;
  for (const double count : counts) sum += (count - expected) * (count - expected) / expected;
  return sum;
}

// Two-sided: an order that is too regular fails too. 63 * 63 = 3969 and 63 degrees of freedom;
// bounds at 5 standard deviations.
TEST(Permutation, IsAsUniformAsAShuffleNeitherMoreNorLess) {
  for (const std::uint64_t n : {300'000, 262'144, 262'145}) {
    for (const std::uint64_t seed : {1, 2, 3}) {
      const double map = block_map_chi_square(n, RandomKey(seed)),
                   difference = difference_chi_square(n, RandomKey(seed));
      EXPECT_GT(map, 3969 - 5 * 89.1) << n << " " << seed;
      EXPECT_LT(map, 3969 + 5 * 89.1) << n << " " << seed;
      EXPECT_GT(difference, 20) << n << " " << seed;
      EXPECT_LT(difference, 63 + 5 * 11.2) << n << " " << seed;
    }
  }
}

TEST(Permutation, KeysGiveUnrelatedOrders) {
  const Permutation a(100'000, RandomKey(1).split(0)), b(100'000, RandomKey(1).split(1));
  int equal = 0;
  for (std::uint64_t i = 0; i < 100'000; ++i) equal += a(i) == b(i);
  EXPECT_LT(equal, 8);  // expected 1
}

TEST(Permutation, RefusesSizesItCannotServe) {
  EXPECT_THROW(Permutation(0, RandomKey(1)), Error);
  EXPECT_THROW(Permutation((std::uint64_t{1} << 62) + 1, RandomKey(1)), Error);
}

}  // namespace
}  // namespace spillway::data
