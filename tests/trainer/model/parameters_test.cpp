#include "trainer/model/parameters.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "configs/error.hpp"

namespace spillway::trainer {
namespace {

config::ModelConfig gpt2() {
  return resolve({.layers = 12, .hidden = 768, .heads = 12, .sequence_length = 1024}, 50257);
}

config::ModelConfig llama() {
  return resolve({.family = "llama",
                  .layers = 16,
                  .hidden = 2048,
                  .heads = 32,
                  .kv_heads = 8,
                  .mlp_hidden = 8192,
                  .sequence_length = 4096,
                  .vocabulary = 128256},
                 300);
}

TEST(Parameters, CountIsThePublishedOne) {
  EXPECT_EQ(model_cost(gpt2()).parameters, 124439808);    // GPT-2 small
  EXPECT_EQ(model_cost(llama()).parameters, 1235814400);  // Llama 3.2 1B
}

TEST(Parameters, FlopsFollowSixNPlusTwelveLDT) {
  const auto model = gpt2();
  const double matrices = 12.0 * 12 * 768 * 768 + 768.0 * 50257;
  EXPECT_DOUBLE_EQ(model_cost(model).training_flops_per_token(),
                   6 * matrices + 12.0 * 12 * 768 * 1024);
}

TEST(Parameters, ZerosAreResolvedAndTheRestIsKept) {
  const auto small = resolve({.hidden = 100, .heads = 4}, 262);
  EXPECT_EQ(small.kv_heads, 4);
  EXPECT_EQ(small.mlp_hidden, 400);
  EXPECT_EQ(small.vocabulary, 262);
  EXPECT_EQ(padded_vocabulary(small), 320);
  EXPECT_EQ(resolve({.family = "llama", .hidden = 384}, 262).mlp_hidden, 1024);
  EXPECT_EQ(resolve({.family = "llama", .hidden = 100}, 262).mlp_hidden, 320);
  EXPECT_EQ(llama().mlp_hidden, 8192);
  EXPECT_THROW(resolve({.vocabulary = 261}, 262), Error);
}

TEST(Parameters, SlicesHoldEveryParameterOnceAndTiedCopiesBeside) {
  for (const bool tied : {true, false}) {
    auto model = gpt2();
    model.tied_embeddings = tied;
    std::vector<ParameterSpec> together;
    for (const Slice slice :
         {Slice{true, 0, 5, false}, Slice{false, 5, 1, false}, Slice{false, 6, 6, true}}) {
      for (const auto& spec : parameter_specs(model, slice)) together.push_back(spec);
    }
    EXPECT_EQ(std::ranges::count_if(together, &ParameterSpec::tied_copy), tied ? 1 : 0);
    std::erase_if(together, [](const ParameterSpec& spec) { return spec.tied_copy; });
    const auto whole = parameter_specs(model);
    ASSERT_EQ(together.size(), whole.size());
    for (std::size_t i = 0; i < whole.size(); ++i) {
      EXPECT_EQ(together[i].name, whole[i].name);
      EXPECT_EQ(together[i].index, static_cast<std::int64_t>(i));
    }
  }
}

TEST(Parameters, OnlyMatricesDecay) {
  for (const auto& spec : parameter_specs(gpt2()))
    EXPECT_EQ(spec.decay, spec.shape.size() == 2) << spec.name;
}

TEST(Parameters, NamesAreUnique) {
  for (const auto& model : {gpt2(), llama()}) {
    std::set<std::string> names;
    for (const auto& spec : parameter_specs(model))
      EXPECT_TRUE(names.insert(spec.name).second) << spec.name;
  }
}

}  // namespace
}  // namespace spillway::trainer
