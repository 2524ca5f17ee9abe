#include "trainer/precision/quantize.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "data/mutate/random_key.hpp"

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
  EXPECT_TRUE(at::allclose(round_through_bf16(round_through_bf16(wide)), round_through_bf16(wide),
                           0, 0, true));
}

TEST(RoundToBf16, OverflowStartsWhereItIsSaidTo) {
  const at::Tensor edge =
      at::tensor({std::nextafter(kBf16Overflow, 0.0F), kBf16Overflow, -kBf16Overflow});
  const at::Tensor rounded = round_through_bf16(edge);
  EXPECT_TRUE(std::isfinite(rounded[0].item<float>()));
  EXPECT_EQ(rounded[1].item<float>(), std::numeric_limits<float>::infinity());
  EXPECT_EQ(rounded[2].item<float>(), -std::numeric_limits<float>::infinity());
}

struct Weight {
  at::Tensor master, rounded, gradient;
};

Weight weight(const at::Tensor& values, at::ScalarType type) {
  return {values.clone().set_requires_grad(true), round_to_bf16(values).to(type),
          at::zeros_like(values)};
}

TEST(StraightThrough, ValueIsRoundedAndGradientPassesUnchanged) {
  for (const auto type : {at::kBFloat16, at::kFloat}) {
    const Weight w = weight(at::tensor({1.001F, -2.7F, 0.1F}), type);
    const at::Tensor used = straight_through(w.master, w.rounded, w.gradient);
    EXPECT_EQ(used.scalar_type(), type);
    EXPECT_TRUE(at::equal(used, w.rounded));
    torch::autograd::backward({(used * at::tensor({2.0F, 3.0F, -4.0F}).to(type)).sum()}, {});
    EXPECT_TRUE(at::equal(w.gradient, at::tensor({2.0F, 3.0F, -4.0F})));
    EXPECT_FALSE(w.master.grad().defined());
  }
}

TEST(StraightThrough, SmallGradientsAreNotSwampedByLargeOnes) {
  const Weight w = weight(at::ones({1}), at::kBFloat16);
  w.gradient.fill_(256.0F);
  for (int i = 0; i < 100; ++i)
    torch::autograd::backward({straight_through(w.master, w.rounded, w.gradient).sum()}, {});
  EXPECT_EQ(w.gradient.item<float>(), 356.0F);
}

TEST(StraightThrough, EntriesBeyondTheOverflowGetNoGradientIfMasked) {
  const at::Tensor values = at::tensor({1.0F, 3.39e38F, 3.4e38F, -3.4e38F});
  const Weight masked = weight(values, at::kFloat);
  torch::autograd::backward(
      {straight_through(masked.master, masked.rounded, masked.gradient, true).sum()}, {});
  EXPECT_TRUE(at::equal(masked.gradient, at::tensor({1.0F, 1.0F, 0.0F, 0.0F})));
  const Weight open = weight(values, at::kFloat);
  torch::autograd::backward({straight_through(open.master, open.rounded, open.gradient).sum()}, {});
  EXPECT_TRUE(at::equal(open.gradient, at::ones({4})));
}

TEST(StraightThrough, ShapesMustAgree) {
  const Weight w = weight(at::ones({2}), at::kFloat);
  EXPECT_THROW(straight_through(w.master, at::ones({3}), w.gradient), c10::Error);
}

}  // namespace
}  // namespace spillway::trainer
