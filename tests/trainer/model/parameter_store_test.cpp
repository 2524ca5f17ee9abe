#include "trainer/model/parameter_store.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "configs/error.hpp"
#include "tests/trainer/model/small_models.hpp"

namespace spillway::trainer {
namespace {

TEST(ParameterStore, ViewsCoverTheFlatBuffersDecayingOnesFirst) {
  for (const auto& model : {small::gpt2(), small::llama()}) {
    const ParameterStore store(model, whole_model(model), at::kCPU);
    std::int64_t offset = 0;
    for (const Parameter& parameter : store.parameters()) {
      EXPECT_EQ(parameter.offset, offset);
      EXPECT_EQ(parameter.spec.decay, offset < store.decay_numel()) << parameter.spec.name;
      EXPECT_EQ(parameter.weight.data_ptr<float>(), store.weights().data_ptr<float>() + offset);
      EXPECT_EQ(parameter.gradient.data_ptr<float>(), store.gradients().data_ptr<float>() + offset);
      offset += parameter.spec.numel();
    }
    EXPECT_EQ(store.numel(), offset);
    EXPECT_THROW(store.at("layers.9.mlp.up.weight"), Error);
  }
}

TEST(ParameterStore, TiedUsesHaveTwoAccumulatorsWhereBothAreHere) {
  const auto model = small::gpt2();
  ParameterStore both(model, whole_model(model), at::kCPU);
  both.at(kTokenEmbedding).gradient.fill_(1.0);
  both.tied_head().gradient.fill_(2.0);
  EXPECT_EQ(both.at(kTokenEmbedding).gradient.max().item<float>(), 1.0);
  EXPECT_EQ(&both.owner_of(both.tied_head().gradient), &both.tied_head());
  EXPECT_EQ(&both.owner_of(both.at("final_norm.bias").gradient), &both.at("final_norm.bias"));
  both.zero_gradients();
  EXPECT_EQ(both.tied_head().gradient.max().item<float>(), 0.0);

  ParameterStore last(model, {false, 3, 2, true}, at::kCPU);
  last.tied_head().gradient.fill_(2.0);
  EXPECT_EQ(last.at(kTokenEmbedding).gradient.max().item<float>(), 2.0);
  EXPECT_TRUE(last.at(kTokenEmbedding).spec.tied_copy);
}

TEST(Initialize, WeightsDependOnSeedAndNameNotOnTheLayout) {
  const auto model = small::llama(true);
  ParameterStore whole(model, whole_model(model), at::kCPU);
  initialize(whole, model, 3);
  for (const Slice& slice : partition(model, 3)) {
    ParameterStore part(model, slice, at::kCPU);
    initialize(part, model, 3);
    for (const Parameter& parameter : part.parameters()) {
      EXPECT_TRUE(at::equal(parameter.weight, whole.at(parameter.spec.name).weight))
          << parameter.spec.name;
    }
  }
  ParameterStore other(model, whole_model(model), at::kCPU);
  initialize(other, model, 4);
  EXPECT_FALSE(at::equal(other.weights(), whole.weights()));
  EXPECT_FALSE(at::equal(whole.at("layers.0.attention.output.weight").weight,
                         whole.at("layers.1.attention.output.weight").weight));
}

TEST(Initialize, NormalsHaveTheMomentsOfANormalDistribution) {
  const auto model = resolve({.layers = 2, .hidden = 256, .heads = 4, .vocabulary = 2000}, 1);
  ParameterStore store(model, whole_model(model), at::kCPU);
  initialize(store, model, 1);
  const at::Tensor drawn =
      store.at(kTokenEmbedding).weight.narrow(0, 0, 2000).to(at::kDouble) / 0.02;
  EXPECT_NEAR(drawn.mean().item<double>(), 0, 0.006);
  EXPECT_NEAR(drawn.pow(2).mean().item<double>(), 1, 0.01);
  EXPECT_NEAR(drawn.pow(4).mean().item<double>(), 3, 0.06);
  EXPECT_NEAR(store.at("layers.1.mlp.down.weight").weight.pow(2).mean().sqrt().item<double>(), 0.01,
              2e-4);
  EXPECT_EQ(store.at("layers.1.mlp_norm.weight").weight.min().item<float>(), 1);
}

}  // namespace
}  // namespace spillway::trainer
