#include "trainer/model/blocks.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "trainer/model/cross_entropy.hpp"
#include "trainer/model/embedding.hpp"
#include "trainer/model/rotary.hpp"
#include "trainer/precision/quantize.hpp"

namespace spillway::trainer {
namespace {

at::Tensor wave(at::IntArrayRef shape, double frequency) {
  std::int64_t numel = 1;
  for (const std::int64_t length : shape) numel *= length;
  return at::arange(numel, at::kDouble).mul(frequency).sin().view(shape).to(at::kFloat);
}

TEST(Rotary, DotProductsDependOnTheDistanceAlone) {
  const RotaryTables tables = rotary_tables(40, 6, 10000.0, at::kCPU);
  const at::Tensor query = wave({1, 1, 2, 6}, 0.7).expand({1, 40, 2, 6});
  const at::Tensor key = wave({1, 1, 2, 6}, 1.3).expand({1, 40, 2, 6});
  const at::Tensor products =
      at::matmul(rotate(query, tables).transpose(1, 2), rotate(key, tables).permute({0, 2, 3, 1}));
  for (int i = 1; i < 30; ++i) {
    EXPECT_NEAR(products[0][1][i + 5][i].item<float>(), products[0][1][5][0].item<float>(), 1e-5);
  }
  EXPECT_GT(std::abs(products[0][1][9][0].item<float>() - products[0][1][5][0].item<float>()),
            1e-2);
  EXPECT_TRUE(at::equal(rotate(query, tables).select(1, 0), query.select(1, 0)));
}

TEST(Rotary, FirstPlaneTurnsByOneRadianAPosition) {
  const RotaryTables tables = rotary_tables(5, 4, 100.0, at::kCPU);
  const at::Tensor turned =
      rotate(at::tensor({1.0F, 1.0F, 0.0F, 0.0F}).expand({1, 5, 1, 4}), tables);
  EXPECT_NEAR(turned[0][3][0][0].item<float>(), std::cos(3.0), 1e-6);
  EXPECT_NEAR(turned[0][3][0][2].item<float>(), std::sin(3.0), 1e-6);
  EXPECT_NEAR(turned[0][3][0][1].item<float>(), std::cos(0.3), 1e-6);
  EXPECT_NEAR(turned[0][3][0][3].item<float>(), std::sin(0.3), 1e-6);
}

TEST(Rotary, BackwardTurnsBack) {
  const RotaryTables tables = rotary_tables(9, 6, 10000.0, at::kCPU);
  const at::Tensor x = wave({2, 7, 3, 6}, 0.3).set_requires_grad(true);
  torch::autograd::backward({rotate(x, tables)}, {rotate(wave({2, 7, 3, 6}, 0.9), tables)});
  EXPECT_TRUE(at::allclose(x.grad(), wave({2, 7, 3, 6}, 0.9), 1e-5, 1e-6));
  EXPECT_THROW(rotate(wave({1, 10, 3, 6}, 0.1), tables), c10::Error);
}

/// A weight whose gradients are summed at once.
Weight trained(const at::Tensor& value) {
  return {value, at::zeros_like(value, at::kFloat), c10::make_intrusive<WeightGradients>()};
}

/// The norm's formula in float64, with gradients from LibTorch's autograd; `bias` may be undefined.
at::Tensor plain_norm(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& bias) {
  const at::Tensor centred = bias.defined() ? x - x.mean({-1}, true) : x;
  const at::Tensor normal = centred * at::rsqrt(centred.pow(2).mean({-1}, true) + 1e-5);
  return bias.defined() ? normal * gain + bias : normal * gain;
}

class Norm : public testing::TestWithParam<bool> {};
INSTANTIATE_TEST_SUITE_P(Blocks, Norm, testing::Bool(),
                         [](const auto& tested) { return tested.param ? "LayerNorm" : "RmsNorm"; });

TEST_P(Norm, ForwardAndGradientsFollowTheFormula) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor x = wave({3, 5, 37}, 0.7).mul(3).add(0.5).to(type).set_requires_grad(true);
    NormWeights weights{trained(wave({37}, 0.2).add(1))};
    if (GetParam()) weights.bias = trained(wave({37}, 0.4));
    const at::Tensor slope = wave({3, 5, 37}, 1.9).to(type);
    const at::Tensor y = norm(x, weights, 1e-5);
    EXPECT_EQ(y.scalar_type(), type);
    torch::autograd::backward({y}, {slope});

    const auto exact = [](const at::Tensor& t) {
      return t.defined() ? t.detach().to(at::kDouble).set_requires_grad(true) : t;
    };
    const at::Tensor exact_x = exact(x), gain = exact(weights.gain.used),
                     bias = exact(weights.bias.used);
    const at::Tensor exact_y = plain_norm(exact_x, gain, bias);
    torch::autograd::backward({exact_y}, {slope.to(at::kDouble)});
    const double tolerance = type == at::kFloat ? 2e-6 : 1.0 / 256;
    EXPECT_TRUE(at::allclose(y.to(at::kDouble), exact_y, tolerance, tolerance));
    EXPECT_TRUE(at::allclose(x.grad().to(at::kDouble), exact_x.grad(), tolerance, tolerance));
    EXPECT_TRUE(at::allclose(weights.gain.accumulator.to(at::kDouble), gain.grad(), 1e-5, 1e-4));
    if (GetParam()) {
      EXPECT_TRUE(at::allclose(weights.bias.accumulator.to(at::kDouble), bias.grad(), 1e-5, 1e-4));
    }
  }
}

TEST_P(Norm, Bf16WeightsGiveTheBitsOfTheirFloat32Values) {
  const at::Tensor x = wave({4, 64}, 0.7).to(at::kBFloat16);
  NormWeights narrow{wave({64}, 0.2).to(at::kBFloat16)}, wide{narrow.gain.used.to(at::kFloat)};
  if (GetParam()) {
    narrow.bias = wave({64}, 0.4).to(at::kBFloat16);
    wide.bias = narrow.bias.used.to(at::kFloat);
  }
  EXPECT_TRUE(at::equal(norm(x, narrow, 1e-5), norm(x, wide, 1e-5)));
}

TEST(Linear, GradientsFollowTheFormulaAtOnceAndDeferred) {
  for (const auto type : {at::kFloat, at::kBFloat16}) {
    const at::Tensor x = wave({2, 3, 5}, 0.7).to(type).set_requires_grad(true);
    const at::Tensor value = wave({7, 5}, 0.3).to(type), shift = wave({7}, 0.9).to(type);
    const at::Tensor slope = wave({2, 3, 7}, 1.9).to(type);
    std::vector<at::Tensor> sums;
    for (const bool deferred : {false, true}) {
      const LinearWeights weights{trained(value), trained(shift)};
      const at::Tensor y = linear(x, weights);
      EXPECT_TRUE(at::equal(y, at::linear(x, value, shift)));
      if (deferred) weights.weight.gradients->defer();
      x.mutable_grad() = at::Tensor();
      torch::autograd::backward({y}, {slope});
      EXPECT_EQ(weights.weight.accumulator.any().item<bool>(), !deferred);
      weights.weight.gradients->run();
      sums.push_back(weights.weight.accumulator);
      const double tolerance = type == at::kFloat ? 1e-5 : 1.0 / 64;
      const at::Tensor rows = slope.view({6, 7}).to(at::kDouble);
      EXPECT_TRUE(at::allclose(x.grad().to(at::kDouble),
                               at::matmul(slope.to(at::kDouble), value.to(at::kDouble)), tolerance,
                               tolerance));
      EXPECT_TRUE(at::allclose(weights.weight.accumulator.to(at::kDouble),
                               rows.t().mm(x.detach().view({6, 5}).to(at::kDouble)), tolerance,
                               tolerance));
      EXPECT_TRUE(at::allclose(weights.bias.accumulator.to(at::kDouble), rows.sum(0), 1e-6, 1e-6));
    }
    EXPECT_TRUE(at::equal(sums[0], sums[1]));
  }
}

TEST(CrossEntropy, LossAndGradientFollowTheFormulaAndSkipWhatIsIgnored) {
  const at::Tensor logits = wave({4, 8}, 0.9).mul(5);
  const at::Tensor targets = at::tensor({2L, kIgnoredTarget, 0L, 5L});
  const double loss = cross_entropy(logits, targets, 6, {}).item<double>();
  const auto raw = logits.to(at::kDouble);
  double expected = 0;
  for (const int row : {0, 2, 3}) {
    const at::Tensor scores = raw[row].narrow(0, 0, 6);
    expected += scores.logsumexp(0).item<double>() -
                scores[targets[row].item<std::int64_t>()].item<double>();
  }
  EXPECT_NEAR(loss, expected, 1e-6);

  for (const auto& [row, column] : {std::pair{0, 2}, {0, 1}, {1, 3}, {2, 0}, {3, 4}, {3, 7}}) {
    at::Tensor gradient = logits.clone();
    cross_entropy(gradient, targets, 6, 0.25);
    const auto at_offset = [&, r = row, c = column](double offset) {
      const at::Tensor moved = raw.clone();
      moved[r][c] += offset;
      return cross_entropy(moved, targets, 6, {}).item<double>();
    };
    const double slope = (at_offset(0.05) - at_offset(-0.05)) / 0.1;
    EXPECT_NEAR(gradient[row][column].item<float>(), 0.25 * slope, 2e-4) << row << ", " << column;
  }
}

TEST(CrossEntropy, Bf16LogitsKeepFloat32Accuracy) {
  const at::Tensor logits = wave({50, 200}, 0.37).mul(4).to(at::kBFloat16);
  const at::Tensor targets = at::arange(50, at::kLong);
  const at::Tensor log_probability = at::log_softmax(logits.to(at::kDouble), 1);
  const double expected = -log_probability.gather(1, targets.unsqueeze(1)).sum().item<double>();
  EXPECT_NEAR(cross_entropy(logits, targets, 200, {}).item<double>(), expected, 1e-6 * expected);
  EXPECT_THROW(cross_entropy(logits, at::full({50}, 200L), 200, {}), c10::Error);
}

TEST(Embedding, RepeatedTokensAndPositionsAddTheirGradients) {
  const at::Tensor table = wave({5, 3}, 0.3);
  const at::Tensor positions = wave({4, 3}, 0.8);
  const Weight token = trained(table), position = trained(positions);
  const at::Tensor tokens = at::tensor({1L, 4L, 1L, 1L, 0L, 4L}).view({2, 3});
  const at::Tensor x = embed(tokens, token, position);
  EXPECT_TRUE(at::equal(x[1][2], table[4] + positions[2]));
  const at::Tensor slope = wave({2, 3, 3}, 1.1);
  torch::autograd::backward({x}, {slope});
  EXPECT_TRUE(at::allclose(token.accumulator[1], slope[0][0] + slope[0][2] + slope[1][0]));
  EXPECT_TRUE(at::allclose(token.accumulator[4], slope[0][1] + slope[1][2]));
  EXPECT_EQ(token.accumulator.narrow(0, 2, 2).abs().max().item<float>(), 0);
  EXPECT_TRUE(at::allclose(position.accumulator.narrow(0, 0, 3), slope.sum(0)));
  EXPECT_EQ(position.accumulator[3].abs().max().item<float>(), 0);
  EXPECT_THROW(embed(at::zeros({1, 5}, at::kLong), token, position), c10::Error);
  EXPECT_THROW(embed(at::full({1, 2}, 5L), token, position), c10::Error);
}

TEST(Weight, SmallBf16GradientsAreNotSwampedByLargeOnes) {
  const Weight weight = trained(at::ones({1}, at::kBFloat16));
  weight.accumulator.fill_(256.0F);
  for (int i = 0; i < 100; ++i) add_gradient(weight, at::ones({1}, at::kBFloat16));
  EXPECT_EQ(weight.accumulator.item<float>(), 356.0F);
}

TEST(Weight, EntriesBeyondTheOverflowGetNoGradientIfMasked) {
  Weight weight = trained(at::tensor({1.0F, 3.39e38F, 3.4e38F, -3.4e38F}));
  add_gradient(weight, at::ones({4}));
  EXPECT_TRUE(at::equal(weight.accumulator, at::ones({4})));
  weight.masked_by = weight.used;
  add_gradient(weight, at::ones({4}));
  EXPECT_TRUE(at::equal(weight.accumulator, at::tensor({2.0F, 2.0F, 1.0F, 1.0F})));
}

TEST(WeightGradients, NoticesComeBehindTheirSums) {
  const Weight weight = trained(at::zeros({1}));
  std::vector<float> seen;
  weight.gradients->on_sum([&](const at::Tensor& sum) { seen.push_back(sum.item<float>()); });
  weight.gradients->defer();
  add_gradient(weight, at::ones({1}));
  EXPECT_TRUE(seen.empty());
  weight.gradients->run();
  add_gradient(weight, at::ones({1}));
  EXPECT_EQ(seen, (std::vector<float>{1, 2}));
}

}  // namespace
}  // namespace spillway::trainer
