#include "trainer/optimizer/adamw.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/trainer/model/small_models.hpp"
#include "trainer/precision/quantize.hpp"

namespace spillway::trainer {
namespace {

/// The update of one number, in float64, written from the paper.
struct Reference {
  double weight, first = 0, second = 0;
  void step(double gradient, int number, double rate, double decay,
            const config::OptimizerConfig& config) {
    weight -= rate * decay * weight;
    first = config.beta1 * first + (1 - config.beta1) * gradient;
    second = config.beta2 * second + (1 - config.beta2) * gradient * gradient;
    const double mean = first / (1 - std::pow(config.beta1, number));
    const double square = second / (1 - std::pow(config.beta2, number));
    weight -= rate * mean / (std::sqrt(square) + config.epsilon);
  }
};

double gradient_of(std::int64_t element, int step) {
  return std::sin(static_cast<double>(element) * 0.7 + step) * 0.01;
}

void set_gradients(const ParameterStore& store, int step) {
  float* gradient = store.gradients().data_ptr<float>();
  for (std::int64_t i = 0; i < store.numel(); ++i)
    gradient[i] = static_cast<float>(gradient_of(i, step));
}

TEST(AdamW, FollowsThePaperAndDecaysOnlyMatrices) {
  const auto model = small::gpt2();
  ParameterStore store(model, whole_model(model), at::kCPU);
  initialize(store, model, 5);
  const config::OptimizerConfig config{.beta2 = 0.99, .weight_decay = 0.3};
  const at::Tensor start = store.weights().clone();
  AdamW optimizer(config, store);
  for (int step = 0; step < 4; ++step) {
    set_gradients(store, step);
    optimizer.step(0.01 / (step + 1), 0.5);
  }
  EXPECT_EQ(optimizer.steps_taken(), 4);
  for (const std::int64_t i : {std::int64_t{0}, std::int64_t{1234}, store.decay_numel() - 1,
                               store.decay_numel(), store.numel() - 1}) {
    Reference reference{start[i].item<float>()};
    const double decay = i < store.decay_numel() ? config.weight_decay : 0;
    for (int step = 0; step < 4; ++step) {
      reference.step(0.5 * static_cast<float>(gradient_of(i, step)), step + 1, 0.01 / (step + 1),
                     decay, config);
    }
    EXPECT_NEAR(store.weights()[i].item<float>(), reference.weight, 2e-7) << i;
    EXPECT_NEAR(optimizer.exp_avg()[i].item<float>(), reference.first, 1e-8) << i;
    EXPECT_NEAR(optimizer.exp_avg_sq()[i].item<float>(), reference.second, 1e-9) << i;
  }
}

TEST(AdamW, LoadedStateContinuesWithTheSameBits) {
  const auto model = small::llama();
  ParameterStore store(model, whole_model(model), at::kCPU);
  initialize(store, model, 5);
  AdamW optimizer({}, store);
  set_gradients(store, 0);
  optimizer.step(0.01);

  ParameterStore other(model, whole_model(model), at::kCPU);
  other.weights().copy_(store.weights());
  AdamW resumed({}, other);
  const auto saved = optimizer.state();
  const auto loaded = resumed.state();
  ASSERT_EQ(saved.size(), 2 * store.parameters().size());
  for (std::size_t i = 0; i < saved.size(); ++i) {
    EXPECT_EQ(saved[i].name, loaded[i].name);
    loaded[i].tensor.copy_(saved[i].tensor);
  }
  resumed.set_steps_taken(optimizer.steps_taken());
  for (auto* pair : {&optimizer, &resumed}) {
    set_gradients(pair == &optimizer ? store : other, 1);
    pair->step(0.02);
  }
  EXPECT_TRUE(at::equal(store.weights(), other.weights()));
}

TEST(AdamW, MastersKeepUpdatesThatBf16WouldLose) {
  const auto model = small::gpt2();
  ParameterStore store(model, whole_model(model), at::kCPU);
  store.weights().fill_(1.0);
  at::Tensor in_bf16 = round_to_bf16(store.weights());
  AdamW optimizer({.weight_decay = 0}, store);
  for (int step = 0; step < 100; ++step) {
    store.gradients().fill_(-1.0);
    const at::Tensor before = store.weights().clone();
    optimizer.step(1e-4);
    in_bf16.add_(round_to_bf16(store.weights() - before));
  }
  EXPECT_EQ(in_bf16.max().item<float>(), 1.0F);
  EXPECT_NEAR(store.weights()[17].item<float>(), 1.01, 1e-5);
  EXPECT_GT(round_to_bf16(store.weights())[17].item<float>(), 1.0F);
}

}  // namespace
}  // namespace spillway::trainer
