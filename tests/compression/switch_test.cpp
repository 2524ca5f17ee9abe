// A method takes over from another in the midst of a run.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/compression/replicas.hpp"

namespace spillway::compression {
namespace {

TEST(Switch, AMethodThatTakesOverGoesOnWithTheError) {
  const auto parameters = mixed_shapes();
  for (const std::string next : {"acp", "topk", "sign", "none", "qsgd"}) {
    Replicas first(2, early_and_small("powersgd"), parameters),
        second(2, early_and_small(next), parameters);
    std::vector<at::Tensor> missing;
    for (const auto& parameter : parameters)
      missing.push_back(at::zeros(parameter.shape, at::kDouble));
    for (int step = 0; step < 12; ++step) {
      if (step == 6) {
        for (std::size_t w = 0; w < 2; ++w) second[w].load_state(first[w].state());
      }
      const auto gradients = random_gradients_of(2, step);
      const auto held = (step < 6 ? first : second).step(step, gradients);
      for (std::size_t i = 0; i < parameters.size(); ++i)
        missing[i] += mean_of(gradients, i) - held[0][i].to(at::kDouble);
      if (step == 6 && next == "qsgd") break;  // unbiased, not exact
    }
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const double scale = std::sqrt(static_cast<double>(missing[i].numel()));
      const double leak = (missing[i] - second.mean_state(i, "error")).norm().item<double>();
      EXPECT_LT(leak / scale, next == "qsgd" ? 0.1 : 1e-5) << next << ", " << parameters[i].name;
    }
  }
}

TEST(Switch, ErrorsSurviveABadStepOfAMethodThatSendsEverything) {
  Replicas first(2, early_and_small("powersgd"), mixed_shapes()),
      dense(2, early_and_small("none"), mixed_shapes());
  for (int step = 0; step < 3; ++step) first.step(step, random_gradients_of(2, step));
  for (std::size_t w = 0; w < 2; ++w) dense[w].load_state(first[w].state());
  const double norm = error_norm(dense[0]);
  EXPECT_GT(norm, 0);
  dense.step(3, random_gradients_of(2, 3), false);
  EXPECT_EQ(error_norm(dense[0]), norm);
  dense.step(3, random_gradients_of(2, 3), true);
  EXPECT_EQ(error_norm(dense[0]), 0);
  EXPECT_TRUE(dense[0].state().empty());
}

}  // namespace
}  // namespace spillway::compression
