#include "trainer/precision/quantize.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "configs/error.hpp"
#include "data/mutate/random_key.hpp"
#include "trainer/precision/mode.hpp"

namespace spillway::trainer {
namespace {

/// Round to nearest even by integer arithmetic on the bits.
std::uint16_t reference(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if (std::isnan(value)) return 0x7fc0;
  return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

std::uint16_t bits_of(const at::Tensor& bf16, std::int64_t i) {
  return bf16.const_data_ptr<at::BFloat16>()[i].x;
}

/// Every upper half of a float32, with the low halves where rounding decides, and some drawn ones.
std::vector<float> hard_values() {
  std::vector<float> values;
  data::RandomKey key(1);
  for (std::uint32_t upper = 0; upper < 0x10000; ++upper) {
    for (const std::uint32_t lower : {0U, 1U, 0x7fffU, 0x8000U, 0x8001U, 0xffffU,
                                      static_cast<std::uint32_t>(key.below(0x10000))}) {
      values.push_back(std::bit_cast<float>(upper << 16 | lower));
    }
  }
  return values;
}

TEST(RoundToBf16, IsNearestEvenForEveryUpperHalf) {
  std::vector<float> values = hard_values();
  const at::Tensor wide =
      at::from_blob(values.data(), {static_cast<std::int64_t>(values.size())}, at::kFloat);
  const at::Tensor rounded = round_to_bf16(wide);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto index = static_cast<std::int64_t>(i);
    if (std::isnan(values[i])) {
      ASSERT_TRUE(std::isnan(static_cast<float>(rounded.const_data_ptr<at::BFloat16>()[index])));
    } else {
      ASSERT_EQ(bits_of(rounded, index), reference(values[i])) << std::hexfloat << values[i];
    }
  }
}

TEST(RoundToBf16, OverflowStartsWhereItIsSaidTo) {
  const at::Tensor edge =
      at::tensor({std::nextafter(kBf16Overflow, 0.0F), kBf16Overflow, -kBf16Overflow});
  const at::Tensor rounded = round_to_bf16(edge).to(at::kFloat);
  EXPECT_TRUE(std::isfinite(rounded[0].item<float>()));
  EXPECT_EQ(rounded[1].item<float>(), std::numeric_limits<float>::infinity());
  EXPECT_EQ(rounded[2].item<float>(), -std::numeric_limits<float>::infinity());
}

TEST(PrecisionMode, NamesAreThoseOfTheConfiguration) {
  EXPECT_EQ(precision_mode("fp32"), PrecisionMode::fp32);
  EXPECT_EQ(precision_mode("bf16-amp"), PrecisionMode::bf16_amp);
  EXPECT_EQ(precision_mode("bf16-qat"), PrecisionMode::bf16_qat);
  EXPECT_THROW(precision_mode("bf16"), Error);
}

}  // namespace
}  // namespace spillway::trainer
