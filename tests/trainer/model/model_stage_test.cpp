#include "trainer/model/model_stage.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <functional>

#include "tests/trainer/model/small_models.hpp"
#include "trainer/optimizer/adamw.hpp"

namespace spillway::trainer {
namespace {

using small::Pipeline;

struct Case {
  std::string name;
  config::ModelConfig model;
  PrecisionMode mode;
};

void PrintTo(const Case& tested, std::ostream* out) { *out << tested.name; }

class EveryModel : public testing::TestWithParam<Case> {};

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& [name, mode] :
       {std::pair{"Fp32", PrecisionMode::fp32}, std::pair{"Amp", PrecisionMode::bf16_amp},
        std::pair{"Qat", PrecisionMode::bf16_qat}}) {
    for (const bool tied : {true, false}) {
      const std::string suffix = std::string(tied ? "Tied" : "Untied") + name;
      all.push_back({"Gpt2" + suffix, small::gpt2(tied), mode});
      all.push_back({"Llama" + suffix, small::llama(tied), mode});
    }
  }
  return all;
}

INSTANTIATE_TEST_SUITE_P(ModelStage, EveryModel, testing::ValuesIn(cases()),
                         [](const auto& tested) { return tested.param.name; });

void expect_same_bits(const Pipeline& one, const Pipeline& other) {
  const auto expected = one.gradients();
  const auto got = other.gradients();
  ASSERT_EQ(expected.size(), got.size());
  for (const auto& [name, gradient] : expected)
    EXPECT_TRUE(at::equal(gradient, got.at(name))) << name;
}

TEST_P(EveryModel, LossesAndGradientsHaveTheSameBitsForEveryCutAndSchedule) {
  const auto& [name, model, mode] = GetParam();
  Pipeline whole(model, {whole_model(model)}, mode);
  whole.step(4, 0);
  EXPECT_GT(whole.gradients().at(kTokenEmbedding).abs().max().item<float>(), 0);
  for (const std::vector<std::int64_t>& cut :
       {std::vector<std::int64_t>{2, 3}, {1, 3, 1}, {1, 1, 1, 2}, {1, 1, 1, 1, 1}}) {
    const auto stages = static_cast<std::int64_t>(cut.size());
    Pipeline cut_up(model, partition(model, stages, cut), mode);
    cut_up.step(4, static_cast<int>(stages) - 1);
    EXPECT_TRUE(at::equal(whole.losses(), cut_up.losses())) << whole.losses() << cut_up.losses();
    expect_same_bits(whole, cut_up);
    for (const auto& [parameter, gradient] : whole.gradients()) {
      EXPECT_TRUE(at::isfinite(gradient).all().item<bool>()) << parameter;
    }
  }
}

TEST_P(EveryModel, SplitBackwardsInAnyOrderGiveTheBitsOfWholeOnes) {
  const auto& [name, model, mode] = GetParam();
  Pipeline whole(model, partition(model, 2), mode), split(model, partition(model, 2), mode);
  whole.step(4, 0);
  split.begin(4);
  for (int j = 0; j < 4; ++j) split.forward(j);
  const auto back = [&](int j) {
    const at::Tensor gradient = split.stage(1).backward_input(j, {});
    split.stage(0).backward_input(j, gradient);
  };
  back(2), back(0);
  split.stage(0).backward_weight(2);  // waits for 0 and 1
  split.stage(0).backward_weight(0);
  split.stage(0).backward(3, split.stage(1).backward(3, {}));  // whole, but early
  back(1);
  split.stage(0).backward_weight(1);
  for (const int j : {1, 2, 0}) split.stage(1).backward_weight(j);
  split.finish();
  expect_same_bits(whole, split);
  EXPECT_THROW(split.stage(1).backward_weight(1), c10::Error);
}

TEST_P(EveryModel, EveryGradientIsAnnouncedOnceAndFinal) {
  const auto& [name, model, mode] = GetParam();
  for (const bool split : {false, true}) {
    Pipeline whole(model, {whole_model(model)}, mode);
    ModelStage& stage = whole.stage(0);
    std::map<const Parameter*, at::Tensor> announced;
    stage.on_gradient_final([&](const Parameter& parameter) {
      EXPECT_TRUE(announced.emplace(&parameter, parameter.gradient.clone()).second);
    });
    whole.begin(3);
    for (int j = 0; j < 3; ++j) whole.forward(j);
    for (int j = 0; j < 3; ++j) {
      EXPECT_TRUE(announced.empty());
      split ? stage.backward_input(j, {}) : stage.backward(j, {});
    }
    EXPECT_EQ(announced.empty(), split);
    for (int j = 0; split && j < 3; ++j) stage.backward_weight(j);
    EXPECT_EQ(announced.size(), stage.parameters().parameters().size() + model.tied_embeddings);
    for (const auto& [parameter, gradient] : announced)
      EXPECT_TRUE(at::equal(gradient, parameter->gradient)) << parameter->spec.name;
  }
}

TEST_P(EveryModel, RecomputingChangesNoBit) {
  const auto& [name, model, mode] = GetParam();
  Pipeline kept(model, partition(model, 2), mode);
  kept.step(3, 1);
  for (const Recompute recompute : {Recompute::selective, Recompute::full}) {
    for (const std::int64_t layers : {0, 1, 2}) {
      Pipeline repeated(model, partition(model, 2), mode,
                        {.recompute = recompute, .recompute_layers = layers});
      EXPECT_TRUE(repeated.stage(0).recomputes());
      repeated.step(3, 1);
      expect_same_bits(kept, repeated);
      EXPECT_TRUE(at::equal(kept.losses(), repeated.losses()));
      repeated.begin(2);
      repeated.forward(0);
      EXPECT_THROW(repeated.stage(1).backward(0, {}), c10::Error) << "was not recomputed";
      EXPECT_THROW(repeated.stage(0).recompute(1), c10::Error) << "had no forward";
    }
  }
}

TEST_P(EveryModel, SumsInATreeArePairsOfPairs) {
  const auto& [name, model, mode] = GetParam();
  const auto only = [&](int wanted) {  // the gradients of one micro-batch
    Pipeline one(model, {whole_model(model)}, mode, {.sum_in_tree = true});
    one.stage(0).begin_step(1.0 / 64, 1);
    const small::Batch given = small::batch(model, wanted);
    one.stage(0).set_microbatch(0, given.tokens, given.targets);
    one.forward(0);
    one.backward(0);
    return one.stage(0).parameters().accumulators().clone();
  };
  for (const int count : {1, 2, 3, 4, 6, 7}) {
    Pipeline tree(model, partition(model, 1), mode, {.sum_in_tree = true});
    tree.begin(count);
    for (int j = 0; j < count; ++j) tree.forward(j);
    for (int j = 0; j < count; ++j) tree.backward(j);
    const std::function<at::Tensor(int, int)> sum = [&](int begin, int end) {
      if (end - begin == 1) return only(begin);
      int half = 1;
      while (2 * half < end - begin) half *= 2;
      return sum(begin, begin + half) + sum(begin + half, end);
    };
    EXPECT_TRUE(at::equal(tree.stage(0).parameters().accumulators(), sum(0, count))) << count;
  }
}

TEST_P(EveryModel, GradientsStayInTheFlatBufferAndAreZeroedThere) {
  const auto& [name, model, mode] = GetParam();
  Pipeline whole(model, {whole_model(model)}, mode);
  whole.step(2, 1);
  const auto first = whole.gradients();
  whole.step(2, 1);
  const ParameterStore& store = whole.stage(0).parameters();
  for (const Parameter& parameter : store.parameters()) {
    const at::Tensor slice = store.gradients().narrow(0, parameter.offset, parameter.spec.numel());
    EXPECT_TRUE(at::equal(slice, first.at(parameter.spec.name).view({-1}))) << parameter.spec.name;
  }
}

TEST_P(EveryModel, EvaluationGivesTheTrainingLossAndKeepsNothing) {
  const auto& [name, model, mode] = GetParam();
  Pipeline cut_up(model, partition(model, 2), mode);
  cut_up.step(3, 1);
  const double training = cut_up.losses().sum().item<double>();
  EXPECT_EQ(cut_up.evaluate(3), training);
  EXPECT_THROW(cut_up.stage(1).backward(0, {}), c10::Error);
}

TEST_P(EveryModel, TrainingLowersTheLoss) {
  const auto& [name, model, mode] = GetParam();
  Pipeline cut_up(model, partition(model, 3), mode);
  std::vector<std::unique_ptr<AdamW>> optimizers;
  for (std::size_t i = 0; i < 3; ++i)
    optimizers.push_back(
        std::make_unique<AdamW>(config::OptimizerConfig{}, cut_up.stage(i).parameters()));
  const double before = cut_up.evaluate(2);
  for (int step = 0; step < 30; ++step) {
    cut_up.step(2, 2);
    for (auto& optimizer : optimizers) optimizer->step(3e-3);
  }
  EXPECT_LT(cut_up.evaluate(2), 0.8 * before);
  if (model.tied_embeddings) {
    EXPECT_TRUE(at::equal(cut_up.stage(0).parameters().at(kTokenEmbedding).weight,
                          cut_up.stage(2).parameters().at(kTokenEmbedding).weight));
  }
}

TEST_P(EveryModel, PaddingRowsStayZero) {
  const auto& [name, model, mode] = GetParam();
  Pipeline whole(model, {whole_model(model)}, mode);
  whole.step(2, 0);
  ParameterStore& store = whole.stage(0).parameters();
  AdamW(config::OptimizerConfig{}, store).step(1e-2);
  for (const char* table : {kTokenEmbedding, "head.weight"}) {
    if (!store.contains(table)) continue;
    const at::Tensor padding = store.at(table).weight.narrow(0, 101, 27);
    EXPECT_EQ(padding.abs().max().item<float>(), 0) << table;
  }
}

TEST(ModelStage, ShorterSequencesThanTheModelsAreTaken) {
  const auto model = small::gpt2();
  Pipeline cut_up(model, partition(model, 2), PrecisionMode::fp32);
  const at::Tensor tokens = at::arange(14, at::kLong).view({2, 7});
  for (std::size_t i = 0; i < 2; ++i) {
    cut_up.stage(i).begin_evaluation();
    cut_up.stage(i).set_microbatch(0, tokens, tokens);
  }
  EXPECT_EQ(cut_up.stage(1).make_input(0).sizes(), (std::vector<std::int64_t>{2, 7, 36}));
  cut_up.forward(0);
  EXPECT_GT(cut_up.losses().item<double>(), 0);
}

TEST(ModelStage, EdgesHaveTheComputeType) {
  const auto model = small::llama();
  for (const auto mode : {PrecisionMode::fp32, PrecisionMode::bf16_amp, PrecisionMode::bf16_qat}) {
    Pipeline cut_up(model, partition(model, 2), mode);
    EXPECT_FALSE(cut_up.stage(0).make_input(0).defined());
    const at::Tensor input = cut_up.stage(1).make_input(0);
    EXPECT_EQ(input.scalar_type(), activation_type(mode));
    EXPECT_EQ(input.sizes(), (std::vector<std::int64_t>{3, 19, 40}));
    cut_up.stage(0).begin_step(1.0, 1);
    cut_up.set_microbatches(1);
    const at::Tensor output = cut_up.stage(0).forward(0, {});
    EXPECT_EQ(output.scalar_type(), activation_type(mode));
    EXPECT_FALSE(output.requires_grad());
  }
}

TEST(ModelStage, AWiderEdgeChangesNoBit) {
  const auto model = small::gpt2();
  for (const auto mode : {PrecisionMode::bf16_amp, PrecisionMode::bf16_qat}) {
    Pipeline narrow(model, partition(model, 3), mode);
    Pipeline wide(model, partition(model, 3), mode, {.edge_type = at::kFloat});
    EXPECT_EQ(wide.stage(1).make_input(0).scalar_type(), at::kFloat);
    narrow.step(4, 2);
    wide.step(4, 2);
    EXPECT_TRUE(at::equal(narrow.losses(), wide.losses()));
    expect_same_bits(narrow, wide);
  }
}

TEST(ModelStage, ANarrowEdgeRoundsActivationsAndGradientsAtEachCutAndNothingElse) {
  const auto model = small::gpt2();
  const StageOptions narrow{.edge_type = at::kBFloat16};
  Pipeline whole(model, {whole_model(model)}, PrecisionMode::fp32);
  Pipeline uncut(model, {whole_model(model)}, PrecisionMode::fp32, narrow);
  Pipeline cut_up(model, partition(model, 2), PrecisionMode::fp32, narrow);
  Pipeline by_hand(model, partition(model, 2), PrecisionMode::fp32);
  for (Pipeline* one : {&whole, &uncut, &cut_up}) one->step(2, 0);
  expect_same_bits(whole, uncut);
  by_hand.begin(2);
  const auto rounded = [](const at::Tensor& x) { return x.to(at::kBFloat16).to(at::kFloat); };
  for (int j = 0; j < 2; ++j) {
    by_hand.stage(1).forward(j, rounded(by_hand.stage(0).forward(j, {})));
    by_hand.stage(0).backward(j, rounded(by_hand.stage(1).backward(j, {})));
  }
  by_hand.finish();
  EXPECT_TRUE(at::equal(by_hand.losses(), cut_up.losses()));
  expect_same_bits(by_hand, cut_up);
  EXPECT_FALSE(at::equal(whole.losses(), cut_up.losses()));
  EXPECT_TRUE(at::allclose(whole.losses(), cut_up.losses(), 1e-2));
}

TEST(ModelStage, MissingTokensTargetsOrForwardAreNamed) {
  const auto model = small::gpt2();
  Pipeline whole(model, {whole_model(model)}, PrecisionMode::fp32);
  whole.stage(0).begin_step(1.0, 3);
  EXPECT_THROW(whole.forward(0), c10::Error);
  whole.stage(0).set_microbatch(1, small::batch(model, 0).tokens, {});
  EXPECT_THROW(whole.forward(1), c10::Error);
  EXPECT_THROW(whole.backward(2), c10::Error);
}

}  // namespace
}  // namespace spillway::trainer
