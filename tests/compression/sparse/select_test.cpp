#include "compression/sparse/select.hpp"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

namespace spillway::compression {
namespace {

using Floats = std::vector<float>;
using Indices = std::vector<std::int32_t>;

/// Sorts everything: larger magnitudes first, then lower indices.
Indices expected_indices(const Floats& values, std::size_t k) {
  Indices all(values.size());
  std::iota(all.begin(), all.end(), 0);
  std::ranges::stable_sort(all, std::greater<>(), [&](std::int32_t i) {
    return std::abs(values[static_cast<std::size_t>(i)]);
  });
  all.resize(k);
  std::ranges::sort(all);
  return all;
}

void expect_selects(TopKSelector& selector, const Floats& values, std::size_t k) {
  constexpr std::int32_t kMark = -77;
  Indices indices(k + 64, kMark);  // the kernels must not write behind k
  Floats selected(k + 64, kMark);
  selector.select(values.data(), static_cast<std::int64_t>(values.size()),
                  static_cast<std::int64_t>(k), indices.data(), selected.data());
  for (std::size_t i = k; i < k + 64; ++i) {
    ASSERT_EQ(indices[i], kMark) << i;
    ASSERT_EQ(selected[i], kMark) << i;
  }
  indices.resize(k);
  ASSERT_EQ(indices, expected_indices(values, k)) << "k " << k << " of " << values.size();
  for (std::size_t i = 0; i < k; ++i)
    ASSERT_EQ(selected[i], values[static_cast<std::size_t>(indices[i])]) << i;
}

Floats normal(std::size_t n, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution;
  Floats values(n);
  for (float& value : values) value = distribution(generator);
  return values;
}

TEST(TopKSelector, TakesTheLargestOfRandomNumbersOfAnyCount) {
  TopKSelector selector;
  for (const std::size_t n : {1U, 2U, 15U, 16U, 17U, 33U, 255U, 1000U, 8192U, 8193U, 200'003U}) {
    const Floats values = normal(n, static_cast<std::uint32_t>(n));
    for (const std::size_t k : {std::size_t{1}, n / 1000, n / 100, n / 10, n / 2, n - 1, n})
      expect_selects(selector, values, k);
  }
}

TEST(TopKSelector, EqualMagnitudesAreTakenFromTheLowestIndex) {
  TopKSelector selector;
  std::mt19937 generator(3);
  for (const std::size_t n : {100U, 70'001U}) {
    for (const std::uint32_t different : {1U, 2U, 3U, 40U}) {
      Floats values(n);
      for (float& value : values) {
        const std::uint64_t drawn = generator();
        value = static_cast<float>(drawn % different) * ((drawn >> 31) != 0 ? -1.0F : 1.0F);
      }
      for (const std::size_t k : {n / 100, n / 3, n / 2, 2 * n / 3, n - 1})
        expect_selects(selector, values, k);
    }
  }
}

TEST(TopKSelector, AnOrderThatMisleadsTheSampleCostsTimeOnly) {
  TopKSelector selector;
  Floats values = normal(300'000, 5);
  std::ranges::sort(values, std::less<>(), [](float value) { return std::abs(value); });
  expect_selects(selector, values, 3000);
  std::ranges::reverse(values);
  expect_selects(selector, values, 3000);
  for (std::size_t i = 0; i < values.size(); ++i)  // each one the next number of the format
    values[i] = std::bit_cast<float>(0x3F800000U + static_cast<std::uint32_t>(i));
  expect_selects(selector, values, 3000);
  Floats peak(300'000, 1e-3F);  // all that counts in one place, between the samples
  for (std::size_t i = 0; i < 40; ++i) peak[77'777 + i] = 1.0F + static_cast<float>(i);
  expect_selects(selector, peak, 20);
  expect_selects(selector, peak, 200);
}

/// Every element that the sample looks at (one in each hundred, where the selector's hash says) is
/// large, so its bound excludes all others, of which most are wanted.
TEST(TopKSelector, ABoundThatIsTooHighIsNoticed) {
  TopKSelector selector;
  Floats values = normal(25'600, 8);
  for (float& value : values) value *= 1e-3F;
  for (std::uint64_t part = 0; part < 256; ++part) {
    const std::uint64_t place = ((part + 1) * 0x9E3779B97F4A7C15U >> 32) % 100;
    values[100 * part + place] = 10;
  }
  expect_selects(selector, values, 1000);
}

TEST(TopKSelector, MostlyZerosAreFilledUpFromTheFront) {
  TopKSelector selector;
  Floats values(150'001, 0.0F);
  for (std::size_t i = 3; i < values.size(); i += 1000) values[i] = -1.0F / static_cast<float>(i);
  for (const std::size_t k : {10U, 151U, 152U, 15'000U}) expect_selects(selector, values, k);
  values.assign(values.size(), -0.0F);
  expect_selects(selector, values, 7);
}

TEST(TopKSelector, ExtremesOfTheNumberFormatAreOrdered) {
  TopKSelector selector;
  const float least = std::numeric_limits<float>::denorm_min();
  const float most = std::numeric_limits<float>::max();
  const Floats values{0.0F, least, -most, 1.0F, -2 * least, most, -1.0F, 1e-30F};
  for (std::size_t k = 0; k <= values.size(); ++k) expect_selects(selector, values, k);
}

TEST(TopKSelector, InfinitiesAndNansCountAsTheLargest) {
  TopKSelector selector;
  Floats values = normal(50'000, 6);
  values[17] = -std::numeric_limits<float>::infinity();
  values[40'000] = std::numeric_limits<float>::quiet_NaN();
  Indices indices(2);
  Floats selected(2);
  selector.select(values.data(), 50'000, 2, indices.data(), selected.data());
  EXPECT_EQ(indices, (Indices{17, 40'000}));
  EXPECT_TRUE(std::isnan(selected[1]));
}

TEST(TopKSelector, RefusesMoreThanThereIs) {
  TopKSelector selector;
  selector.select(nullptr, 0, 0, nullptr, nullptr);
  const float one = 1;
  EXPECT_THROW(selector.select(&one, 1, 2, nullptr, nullptr), c10::Error);
  EXPECT_THROW(selector.select(&one, 1, -1, nullptr, nullptr), c10::Error);
  EXPECT_THROW(selector.select(&one, std::int64_t{1} << 31, 1, nullptr, nullptr), c10::Error);
}

}  // namespace
}  // namespace spillway::compression
