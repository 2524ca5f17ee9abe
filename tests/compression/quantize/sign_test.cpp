#include "compression/quantize/sign.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

namespace spillway::compression {
namespace {

using Floats = std::vector<float>;
using Bytes = std::vector<std::byte>;

/// Normally distributed, with a share of zeros of both signs.
Floats values_with_zeros(std::size_t n, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution;
  Floats values(n);
  for (std::size_t i = 0; i < n; ++i)
    values[i] = i % 5 == 3 ? (i % 2 == 0 ? 0.0F : -0.0F) : distribution(generator);
  return values;
}

Bytes payload_of(const Floats& values) {
  const auto n = static_cast<std::int64_t>(values.size());
  Bytes payload(static_cast<std::size_t>(sign_bytes(n)), std::byte{0xAB});
  payload.resize(payload.size() + 16, std::byte{0xCD});  // must stay
  pack_signs(values.data(), n, payload.data());
  for (std::size_t i = payload.size() - 16; i < payload.size(); ++i)
    EXPECT_EQ(payload[i], std::byte{0xCD});
  payload.resize(payload.size() - 16);
  return payload;
}

Floats back(const Bytes& payload, std::size_t n) {
  Floats values(n, 1e9F);
  unpack_signs(payload.data(), static_cast<std::int64_t>(n), values.data());
  return values;
}

TEST(Sign, BytesAreScalesAndTwoBitsAnElementFilledUpToFour) {
  EXPECT_EQ(sign_bytes(0), 0);
  EXPECT_EQ(sign_bytes(1), 4 + 4);
  EXPECT_EQ(sign_bytes(16), 4 + 4);
  EXPECT_EQ(sign_bytes(17), 4 + 8);
  EXPECT_EQ(sign_bytes(8192), 4 + 2048);
  EXPECT_EQ(sign_bytes(8193), 8 + 2052);
  EXPECT_EQ(sign_bytes(std::int64_t{1} << 33), (std::int64_t{1} << 22) + (1LL << 31));
}

TEST(Sign, EveryElementBecomesItsSignTimesTheMeanMagnitude) {
  for (const std::size_t n :
       {0U, 1U, 2U, 3U, 4U, 5U, 31U, 33U, 1000U, 8191U, 8192U, 8193U, 20'002U}) {
    const Floats values = values_with_zeros(n, static_cast<std::uint32_t>(n));
    const Floats result = back(payload_of(values), n);
    for (std::size_t begin = 0; begin < n; begin += kSignGroup) {
      const std::size_t end = std::min(begin + kSignGroup, n);
      double sum = 0, used = 0;
      for (std::size_t i = begin; i < end; ++i) {
        sum += std::abs(static_cast<double>(values[i]));
        used += values[i] != 0;
      }
      for (std::size_t i = begin; i < end; ++i) {
        const double sign = (values[i] > 0) - (values[i] < 0);
        ASSERT_NEAR(result[i], used == 0 ? 0 : sign * sum / used, 1e-7) << i << " of " << n;
      }
    }
  }
}

TEST(Sign, BytesFollowTheFormat) {
  const Bytes payload = payload_of({1.5F, -0.5F, 0.0F, 2.0F, -4.0F});  // ceil(5 / 4) = 2 a part
  // Elements 0, 2, 4 and none; then 1, 3 and none: 01 | 00 | 11 | 00 and 11 | 01 | 00 | 00.
  const std::vector<int> expected{0, 0, 0, 0x40, 0b00110001, 0b00000111, 0, 0};
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_EQ(std::to_integer<int>(payload[i]), expected[i]) << i;  // scale 2.0F first
}

TEST(Sign, ZerosStayZeroAndAGroupOfZerosHasTheScaleZero) {
  Floats values(10'000, 0.0F);
  values[9000] = -3;
  const Floats result = back(payload_of(values), values.size());
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(result[i], values[i]) << i;
  const Bytes zeros = payload_of(Floats(5000, -0.0F));
  EXPECT_TRUE(std::ranges::all_of(zeros, [](std::byte b) { return b == std::byte{0}; }));
}

/// ||x - C(x)||^2 = ||x||^2 - ||x||_1^2 / count in every group.
TEST(Sign, WhatIsKeptOfTheSquaresIsTheClosedForm) {
  const Floats values = values_with_zeros(8192, 3);
  const Floats result = back(payload_of(values), values.size());
  double squares = 0, sum = 0, used = 0, rest = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    squares += static_cast<double>(values[i]) * values[i];
    sum += std::abs(static_cast<double>(values[i]));
    used += values[i] != 0;
    rest += std::pow(static_cast<double>(values[i]) - result[i], 2);
  }
  EXPECT_NEAR(rest, squares - sum * sum / used, 1e-3);
  EXPECT_LT(rest, 0.5 * squares);  // 1 - 2 / pi for a normal distribution
}

TEST(Sign, UnpackAddAddsWhatUnpackGives) {
  const Floats values = values_with_zeros(9001, 5), start = values_with_zeros(9001, 6);
  const Bytes payload = payload_of(values);
  const Floats result = back(payload, values.size());
  Floats sum = start;
  unpack_signs_add(payload.data(), 9001, sum.data());
  for (std::size_t i = 0; i < sum.size(); ++i) ASSERT_NEAR(sum[i], start[i] + result[i], 5e-7) << i;
}

TEST(Sign, LargeAndSmallMagnitudesHaveAScale) {
  const float most = std::numeric_limits<float>::max(), least = 1e-45F;
  EXPECT_EQ(back(payload_of(Floats(9000, most)), 9000), Floats(9000, most));
  EXPECT_EQ(back(payload_of(Floats(9000, -least)), 9000), Floats(9000, -least));
}

TEST(Sign, NonFiniteGroupComesOutAsNansAndTheOthersAsEver) {
  for (const float bad :
       {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    Floats values = values_with_zeros(20'000, 7);
    const Floats good = back(payload_of(values), values.size());
    values[10'000] = -bad;
    const Floats result = back(payload_of(values), values.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (i / kSignGroup == 1) {
        ASSERT_TRUE(std::isnan(result[i])) << i;
      } else {
        ASSERT_EQ(result[i], good[i]) << i;
      }
    }
  }
}

}  // namespace
}  // namespace spillway::compression
