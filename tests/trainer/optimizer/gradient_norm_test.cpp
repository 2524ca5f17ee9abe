#include "trainer/optimizer/gradient_norm.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "tests/trainer/model/small_models.hpp"

namespace spillway::trainer {
namespace {

void fill(const ParameterStore& store) {
  for (const Parameter& parameter : store.parameters()) {
    const at::Tensor values = at::arange(parameter.spec.numel(), at::kDouble).mul(0.37).sin();
    parameter.gradient.copy_(
        values.mul(static_cast<double>(parameter.spec.index + 1)).view(parameter.spec.shape));
  }
}

TEST(GradientNorm, EveryCutGivesTheSameBits) {
  const auto model = small::gpt2();
  ParameterStore whole(model, whole_model(model), at::kCPU);
  fill(whole);
  const double norm = global_norm(squared_norms(whole));
  EXPECT_NEAR(norm, whole.gradients().to(at::kDouble).norm().item<double>(), 1e-9 * norm);
  std::vector<SquaredNorm> gathered;
  for (const Slice& slice : partition(model, 3)) {
    ParameterStore part(model, slice, at::kCPU);
    fill(part);
    const auto norms = squared_norms(part);
    gathered.insert(gathered.begin(), norms.begin(), norms.end());
  }
  EXPECT_EQ(gathered.size(), parameter_specs(model).size());
  EXPECT_EQ(global_norm(gathered), norm);
}

TEST(GradientNorm, LargestFiniteGradientsStayFinite) {
  const auto model = small::llama();
  ParameterStore store(model, whole_model(model), at::kCPU);
  store.gradients().fill_(std::numeric_limits<float>::max());
  EXPECT_TRUE(std::isfinite(global_norm(squared_norms(store))));
}

TEST(AllFinite, OneBadValueIsSeenAndLargeOnesAreFine) {
  const at::Tensor values = at::full({3, 50}, std::numeric_limits<float>::max());
  EXPECT_TRUE(all_finite(values));
  EXPECT_TRUE(all_finite(at::empty({0})));
  for (const float bad : {std::nanf(""), -std::numeric_limits<float>::infinity()}) {
    at::Tensor spoilt = values.clone();
    spoilt[2][17] = bad;
    EXPECT_FALSE(all_finite(spoilt));
  }
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_FALSE(all_finite(at::tensor({infinity, -infinity})));
}

TEST(ClipCoefficient, OnlyLargeNormsAreClipped) {
  EXPECT_EQ(clip_coefficient(4.0, 1.0), 0.25);
  EXPECT_EQ(clip_coefficient(0.5, 1.0), 1.0);
  EXPECT_EQ(clip_coefficient(1.0, 1.0), 1.0);
  EXPECT_EQ(clip_coefficient(100.0, 0.0), 1.0);
}

}  // namespace
}  // namespace spillway::trainer
