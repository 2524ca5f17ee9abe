#include "compression/quantize/quantize.hpp"

#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

namespace spillway::compression {
namespace {

using Floats = std::vector<float>;
using Bytes = std::vector<std::byte>;

Floats normal(std::int64_t n, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> distribution;
  Floats values(static_cast<std::size_t>(n));
  for (float& value : values) value = distribution(generator);
  return values;
}

Bytes payload_of(const Floats& values, int bits, std::uint64_t seed, std::int64_t first = 0) {
  const auto n = static_cast<std::int64_t>(values.size());
  Bytes payload(static_cast<std::size_t>(quantized_bytes(n, bits)), std::byte{0xAB});
  payload.resize(payload.size() + 16, std::byte{0xCD});  // must stay
  quantize(values.data(), n, bits, seed, first, payload.data());
  for (std::size_t i = payload.size() - 16; i < payload.size(); ++i)
    EXPECT_EQ(payload[i], std::byte{0xCD});
  payload.resize(payload.size() - 16);
  return payload;
}

Floats back(const Bytes& payload, std::size_t n, int bits) {
  Floats values(n, 1e9F);
  dequantize(payload.data(), static_cast<std::int64_t>(n), bits, values.data());
  return values;
}

double levels(int bits) { return bits == 8 ? 127 : 7; }

const std::vector<std::int64_t> kCounts{0, 1, 2, 3, 15, 17, 255, 256, 257, 511, 1000, 4099};

TEST(Quantize, BytesAreScalesAndCodesFilledUpToFour) {
  EXPECT_EQ(quantized_bytes(0, 8), 0);
  EXPECT_EQ(quantized_bytes(1, 8), 4 + 4);
  EXPECT_EQ(quantized_bytes(256, 8), 4 + 256);
  EXPECT_EQ(quantized_bytes(257, 8), 8 + 260);
  EXPECT_EQ(quantized_bytes(1, 4), 4 + 4);
  EXPECT_EQ(quantized_bytes(256, 4), 4 + 128);
  EXPECT_EQ(quantized_bytes(265, 4), 8 + 136);
  EXPECT_EQ(quantized_bytes(std::int64_t{1} << 32, 4), (std::int64_t{1} << 26) + (1LL << 31));
}

TEST(Quantize, ResultIsOneOfTheTwoLevelsAroundTheValue) {
  for (const int bits : {8, 4}) {
    for (const std::int64_t n : kCounts) {
      const Floats values = normal(n, static_cast<std::uint32_t>(n));
      const Floats result = back(payload_of(values, bits, 3), values.size(), bits);
      for (std::size_t group = 0; group < values.size(); group += kQuantizedGroup) {
        const std::size_t end = std::min(group + kQuantizedGroup, values.size());
        double scale = 0;
        for (std::size_t i = group; i < end; ++i)
          scale = std::max(scale, std::abs(static_cast<double>(values[i])));
        for (std::size_t i = group; i < end; ++i) {
          const double step = scale / levels(bits), code = result[i] / step;
          ASSERT_NEAR(code, std::round(code), 1e-4) << i << " of " << n;
          ASSERT_LT(std::abs(code - values[i] / step), 1 + 1e-4) << i << " of " << n;
        }
      }
    }
  }
}

/// 64-bit FNV-1a.
std::uint64_t hash(const Bytes& bytes) {
  std::uint64_t state = 0xCBF29CE484222325U;
  for (const std::byte byte : bytes)
    state = (state ^ static_cast<std::uint64_t>(byte)) * 0x100000001B3U;
  return state;
}

/// Payloads worked out by a separate implementation of format and random numbers.
TEST(Quantize, BytesAreTheSameOnEveryMachine) {
  Floats values(261);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(static_cast<int>(i % 17) - 8) / 8.0F;
  EXPECT_EQ(hash(payload_of(values, 8, 42)), 0x764513327352494U);
  EXPECT_EQ(hash(payload_of(values, 4, 42)), 0x7fc83b0eda695c6aU);
  const std::int64_t far = 5 * (std::int64_t{1} << 32) + 512;
  EXPECT_EQ(hash(payload_of(values, 8, ~std::uint64_t{0}, far)), 0xe3c8c122383038b7U);
}

TEST(Quantize, ExtremesOfAGroupAndZerosAreExact) {
  for (const int bits : {8, 4}) {
    for (const float scale : {1.0F, 1e-38F, 1e-44F, 3e38F, 0.3F}) {
      Floats values(300, 0.0F);
      values[7] = scale;
      values[9] = -scale;
      for (const std::uint64_t seed : {1U, 2U, 3U}) {
        const Floats result = back(payload_of(values, bits, seed), values.size(), bits);
        for (std::size_t i = 0; i < values.size(); ++i)
          ASSERT_NEAR(result[i] / scale, values[i] / scale, scale < 1e-37F ? 1.0 : 2e-7) << i;
      }
    }
    const Floats zeros(300, -0.0F);
    const Bytes payload = payload_of(zeros, bits, 1);
    EXPECT_TRUE(std::ranges::all_of(payload, [](std::byte b) { return b == std::byte{0}; }));
  }
}

/// The mean of S seeds differs from x by step / sqrt(4 S) at most in standard deviation; five
/// allowed.
TEST(Quantize, MeanOverSeedsIsTheValue) {
  constexpr int kSeeds = 2000;
  const Floats values = normal(777, 11);
  const auto most = [](const float* from, const float* to) {
    return std::abs(
        *std::max_element(from, to, [](float a, float b) { return std::abs(a) < std::abs(b); }));
  };
  for (const int bits : {8, 4}) {
    std::vector<double> sums(values.size());
    for (int seed = 0; seed < kSeeds; ++seed) {
      const Floats result =
          back(payload_of(values, bits, static_cast<std::uint64_t>(seed)), values.size(), bits);
      for (std::size_t i = 0; i < values.size(); ++i) sums[i] += result[i];
    }
    double bias = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      const std::size_t group = i / kQuantizedGroup * kQuantizedGroup;
      const double step =
          most(&values[group], values.data() + std::min(group + kQuantizedGroup, values.size())) /
          levels(bits);
      const double difference = (sums[i] / kSeeds - values[i]) / step;
      ASSERT_LT(std::abs(difference), 5 * 0.5 / std::sqrt(kSeeds)) << i;
      bias += difference;
    }
    const auto draws = static_cast<double>(values.size()) * kSeeds;
    EXPECT_LT(std::abs(bias / static_cast<double>(values.size())), 5 * 0.5 / std::sqrt(draws));
  }
}

/// Errors of neighbours, and of one element under neighbouring seeds, are not correlated.
TEST(Quantize, RoundingOfElementsAndSeedsIsIndependent) {
  constexpr std::size_t kCount = 100'000;
  Floats values(kCount, 0.5F);
  for (std::size_t i = 0; i < kCount; i += kQuantizedGroup) values[i] = 127.0F;
  const Floats one = back(payload_of(values, 8, 1), kCount, 8);
  const Floats two = back(payload_of(values, 8, 2), kCount, 8);
  double neighbours = 0, seeds = 0;
  for (std::size_t i = 0; i + 1 < kCount; ++i) {
    if (i % kQuantizedGroup == 0 || (i + 1) % kQuantizedGroup == 0) continue;
    neighbours += (one[i] - 0.5) * (one[i + 1] - 0.5);
    seeds += (one[i] - 0.5) * (two[i] - 0.5);
  }
  EXPECT_LT(std::abs(neighbours), 5 * 0.25 * std::sqrt(kCount));
  EXPECT_LT(std::abs(seeds), 5 * 0.25 * std::sqrt(kCount));
}

TEST(Quantize, CutsAtGroupsDoNotChangeABit) {
  const Floats values = normal(5000, 4);
  for (const int bits : {8, 4}) {
    const Floats whole = back(payload_of(values, bits, 9), values.size(), bits);
    Floats parts;
    for (const auto& [begin, end] : {std::pair{0, 256}, {256, 2816}, {2816, 5000}}) {
      const Floats part(values.begin() + begin, values.begin() + end);
      const Floats result = back(payload_of(part, bits, 9, begin), part.size(), bits);
      parts.insert(parts.end(), result.begin(), result.end());
    }
    EXPECT_EQ(parts, whole);
  }
  const Floats part(values.begin(), values.begin() + 256);
  EXPECT_NE(payload_of(part, 8, 9, 0), payload_of(part, 8, 9, 256));
  EXPECT_NE(payload_of(part, 8, 9, 0), payload_of(part, 8, 9, std::int64_t{1} << 32));
}

TEST(Quantize, DequantizeAddAddsWhatDequantizeGives) {
  for (const int bits : {8, 4}) {
    const Floats values = normal(1003, 5), start = normal(1003, 6);
    const Bytes payload = payload_of(values, bits, 1);
    const Floats result = back(payload, values.size(), bits);
    Floats sum = start;
    dequantize_add(payload.data(), 1003, bits, sum.data());
    for (std::size_t i = 0; i < sum.size(); ++i)
      ASSERT_NEAR(sum[i], start[i] + result[i], 5e-7) << i;
  }
}

TEST(Quantize, NonFiniteGroupComesOutAsNansAndTheOthersAsEver) {
  for (const int bits : {8, 4}) {
    for (const float bad :
         {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
      Floats values = normal(600, 7);
      const Floats good = back(payload_of(values, bits, 1), values.size(), bits);
      values[300] = -bad;
      const Floats result = back(payload_of(values, bits, 1), values.size(), bits);
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (i / kQuantizedGroup == 1) {
          ASSERT_TRUE(std::isnan(result[i])) << i;
        } else {
          ASSERT_EQ(result[i], good[i]) << i;
        }
      }
    }
  }
}

TEST(Quantize, RefusesOtherBitsAndCutsWithinAGroup) {
  std::byte payload[64] = {};
  const float value = 1;
  EXPECT_THROW(quantize(&value, 1, 3, 1, 0, payload), c10::Error);
  EXPECT_THROW(quantize(&value, 1, 8, 1, 100, payload), c10::Error);
}

}  // namespace
}  // namespace spillway::compression
