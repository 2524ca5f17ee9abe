// How far one step of a method may be off.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/compression/replicas.hpp"

namespace spillway::compression {
namespace {

/// Squared norm of what one step misses over that of the gradient, at most, over random steps.
double worst_contraction(config::CompressionConfig config) {
  config.error_feedback = "off";
  config.bucket_mib = 25;
  Replicas replicas(1, config, mixed_shapes());
  double worst = 0;
  for (int step = 0; step < 20; ++step) {
    const auto gradients = random_gradients_of(1, step);
    const auto held = replicas.step(step, gradients);
    double missed = 0, all = 0;
    for (std::size_t i = 0; i < held[0].size(); ++i) {
      missed += (held[0][i] - gradients[0][i]).square().sum().item<double>();
      all += gradients[0][i].square().sum().item<double>();
    }
    worst = std::max(worst, missed / all);
  }
  return worst;
}

TEST(Contraction, IsThatOfTheTheory) {
  // Stich et al. 2018: top-k misses at most 1 - k / n; random-k that in expectation.
  EXPECT_LT(worst_contraction(early_and_small("topk")), 1 - 0.07);
  EXPECT_NEAR(worst_contraction(early_and_small("randomk")), 1 - 0.07, 0.02);
  // Karimireddy et al. 2019: sign misses 1 - |x|_1^2 / (n |x|_2^2), of normal numbers 1 - 2 / pi.
  EXPECT_NEAR(worst_contraction(early_and_small("sign")), 1 - 2 / M_PI, 0.03);
  EXPECT_LT(worst_contraction(early_and_small("powersgd")), 1);
  EXPECT_LT(worst_contraction(early_and_small("acp")), 1);
}

TEST(Qsgd, IsUnbiasedOverTheTwoRounds) {
  auto config = early_and_small("qsgd");
  config.quantization = "int4";
  const std::vector<ParameterShape> parameters{{"w", {700}}};
  Replicas replicas(3, config, parameters);
  std::vector<Gradients> gradients;
  for (int w = 0; w < 3; ++w) gradients.push_back(random_gradients(parameters, 0, w));
  const at::Tensor exact = mean_of(gradients, 0);
  at::Tensor sum = at::zeros_like(exact);
  constexpr int kSteps = 4000;
  double single = 0;
  for (int step = 0; step < kSteps; ++step) {
    const at::Tensor out = replicas.step(step, gradients)[0][0].to(at::kDouble);
    single = (out - exact).norm().item<double>();
    sum += out;
  }
  // The mean of n independent errors is 1 / sqrt(n) of one.
  EXPECT_LT((sum / kSteps - exact).norm().item<double>(), 1.3 * single / std::sqrt(kSteps));
}

}  // namespace
}  // namespace spillway::compression
