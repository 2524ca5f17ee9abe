#include "trainer/precision/autocast_guard.hpp"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <gtest/gtest.h>

#include "configs/error.hpp"
#include "trainer/precision/mode.hpp"

namespace spillway::trainer {
namespace {

TEST(AutocastGuard, CastsWhileItLivesAndRestoresTheStateBefore) {
  const at::Tensor x = at::ones({4, 8});
  at::autocast::set_autocast_dtype(at::kCPU, at::kHalf);
  {
    const AutocastGuard outer(at::kCPU);
    {
      const AutocastGuard inner(at::kCPU);
      EXPECT_EQ(at::linear(x, x).scalar_type(), at::kBFloat16);
    }
    EXPECT_EQ(at::linear(x, x).scalar_type(), at::kBFloat16);
  }
  EXPECT_FALSE(at::autocast::is_autocast_enabled(at::kCPU));
  EXPECT_EQ(at::autocast::get_autocast_dtype(at::kCPU), at::kHalf);
  EXPECT_EQ(at::linear(x, x).scalar_type(), at::kFloat);
}

TEST(AutocastGuard, AWeightChangedBetweenGuardsIsCastAnew) {
  const at::Tensor weight = at::ones({8, 8}).set_requires_grad(true);
  const auto run = [&] {
    const AutocastGuard guard(at::kCPU);
    return at::linear(at::ones({1, 8}), weight).sum().item<float>();
  };
  EXPECT_EQ(run(), 64.0F);
  {
    const at::NoGradGuard no_grad;
    weight.fill_(2.0);
  }
  EXPECT_EQ(run(), 128.0F);
}

TEST(PrecisionMode, NamesAreThoseOfTheConfiguration) {
  EXPECT_EQ(precision_mode("fp32"), PrecisionMode::fp32);
  EXPECT_EQ(precision_mode("bf16-amp"), PrecisionMode::bf16_amp);
  EXPECT_EQ(precision_mode("bf16-qat"), PrecisionMode::bf16_qat);
  EXPECT_THROW(precision_mode("bf16"), Error);
}

}  // namespace
}  // namespace spillway::trainer
