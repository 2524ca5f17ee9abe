#include "trainer/model/hugging_face/folder.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "configs/error.hpp"
#include "tests/trainer/model/pure_forward.hpp"
#include "tests/trainer/model/small_models.hpp"
#include "trainer/model/cross_entropy.hpp"
#include "trainer/optimizer/adamw.hpp"

namespace spillway::trainer {
namespace {

using std::filesystem::path;

path fresh_folder(const std::string& name) {
  path folder = path(testing::TempDir()) / ("spillway_hugging_face_" + name);
  std::filesystem::remove_all(folder);
  return folder;
}

std::vector<config::ModelConfig> models() {
  return {small::gpt2(true), small::gpt2(false), small::llama(true), small::llama(false)};
}

NamedModel perturbed(const config::ModelConfig& model) {
  const ParameterStore store(model, whole_model(model), at::kCPU);
  initialize(store, model, 11);
  small::perturb(store);
  return {model, small::weights_of(store)};
}

std::string complaint_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::input) << error.what();
    return error.what();
  }
  return "";
}

TEST(HuggingFace, WhatGoesOutComesBackBitForBit) {
  for (const auto& model : models()) {
    const NamedModel named = perturbed(model);
    for (const auto type : {at::kFloat, at::kBFloat16}) {
      const path folder = fresh_folder("round_trip");
      export_hugging_face(named, type, folder);
      const NamedModel back = import_hugging_face(folder);
      EXPECT_EQ(back.model.family, model.family);
      EXPECT_EQ(back.model.kv_heads, model.kv_heads);
      EXPECT_EQ(back.model.mlp_hidden, model.mlp_hidden);
      EXPECT_EQ(back.model.vocabulary, model.vocabulary);
      EXPECT_EQ(back.model.tied_embeddings, model.tied_embeddings);
      EXPECT_EQ(back.model.norm_epsilon, model.norm_epsilon);
      ASSERT_EQ(back.tensors.size(), named.tensors.size());
      for (const auto& [name, tensor] : named.tensors) {
        EXPECT_TRUE(at::equal(back.tensors.at(name), tensor.to(type).to(at::kFloat))) << name;
      }
      EXPECT_FALSE(std::filesystem::exists(folder.string() + ".tmp"));
    }
  }
}

/// The centre of QAT: the exported bf16 model, run as plain bf16 tensors, has the loss that was
/// evaluated while training.
TEST(HuggingFace, PureBf16ExportHasTheEvaluationLossOfQatToTheLastBit) {
  for (const auto& model : models()) {
    small::Pipeline trained(model, {whole_model(model)}, PrecisionMode::bf16_qat);
    ParameterStore& store = trained.stage(0).parameters();
    AdamW optimizer({}, store);
    for (int step = 0; step < 5; ++step) {
      trained.step(2, 0);
      optimizer.step(3e-3);
    }
    const double evaluated = trained.evaluate(3);

    const path folder = fresh_folder("qat");
    export_hugging_face({model, small::weights_of(store)}, at::kBFloat16, folder);
    const NamedModel back = import_hugging_face(folder);
    const NamedTensors pure = small::in_type(back.tensors, at::kBFloat16);
    const at::NoGradGuard no_grad;
    double loss = 0;
    for (int j = 0; j < 3; ++j) {
      const small::Batch batch = small::batch(model, j);
      const at::Tensor logits = small::pure_forward(model, pure, batch.tokens);
      EXPECT_EQ(logits.scalar_type(), at::kBFloat16);
      loss += cross_entropy(logits.view({-1, logits.size(-1)}), batch.targets.view({-1}),
                            model.vocabulary, {})
                  .item<double>();
    }
    EXPECT_EQ(loss, evaluated) << model.family;

    small::Pipeline loaded(model, partition(model, 2), PrecisionMode::bf16_qat);
    for (std::size_t i = 0; i < 2; ++i) {
      for (const Parameter& parameter : loaded.stage(i).parameters().parameters()) {
        parameter.weight.copy_(back.tensors.at(parameter.spec.name));
      }
    }
    EXPECT_EQ(loaded.evaluate(3), evaluated) << model.family;
  }
}

TEST(HuggingFace, ExportRefusesWhatIsIncompleteAndKeepsWhatExists) {
  NamedModel named = perturbed(small::gpt2());
  const path folder = fresh_folder("refused");
  named.tensors.at("final_norm.bias") = at::zeros({35});
  EXPECT_NE(complaint_of([&] {
              export_hugging_face(named, at::kFloat, folder);
            }).find("final_norm.bias is [35]; valid: [36]"),
            std::string::npos);
  named.tensors.erase("final_norm.bias");
  EXPECT_NE(complaint_of([&] {
              export_hugging_face(named, at::kFloat, folder);
            }).find("final_norm.bias is missing"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(folder));
  std::filesystem::create_directories(folder);
  EXPECT_NE(
      complaint_of([&] { export_hugging_face(named, at::kFloat, folder); }).find("exists already"),
      std::string::npos);
}

void edit_config(const path& folder, const std::string& key, const nlohmann::json& value) {
  std::ifstream in(folder / "config.json");
  nlohmann::json fields = nlohmann::json::parse(in);
  fields[key] = value;
  std::ofstream(folder / "config.json") << fields;
}

TEST(HuggingFace, ImportNamesWhatItCannotCompute) {
  const auto refused = [](const config::ModelConfig& model, const std::string& key,
                          const nlohmann::json& value) {
    const path folder = fresh_folder("edited");
    export_hugging_face(perturbed(model), at::kFloat, folder);
    edit_config(folder, key, value);
    return complaint_of([&] { import_hugging_face(folder); });
  };
  EXPECT_NE(refused(small::gpt2(), "model_type", "lama").find("did you mean \"llama\"?"),
            std::string::npos);
  EXPECT_NE(
      refused(small::gpt2(), "activation_function", "relu").find("activation_function = \"relu\""),
      std::string::npos);
  EXPECT_NE(refused(small::llama(), "rope_parameters", {{"rope_type", "yarn"}})
                .find("rope_type = \"yarn\""),
            std::string::npos);
  EXPECT_NE(refused(small::llama(), "head_dim", 8).find("head_dim = 8"), std::string::npos);
  EXPECT_NE(refused(small::llama(), "num_key_value_heads", 3).find("not a multiple"),
            std::string::npos);
  EXPECT_NE(refused(small::llama(), "hidden_size", "wide").find("config.json"), std::string::npos);
  EXPECT_NE(refused(small::gpt2(), "n_layer", 4).find("is not part of a gpt2 with 4 layers"),
            std::string::npos);
  EXPECT_NE(refused(small::gpt2(), "n_layer", 6).find("transformer.h.5.ln_1.weight is missing"),
            std::string::npos);
  EXPECT_NE(refused(small::gpt2(), "vocab_size", 100).find("config.json says [100, 36]"),
            std::string::npos);
}

TEST(HuggingFace, NamesOfThePublishedGpt2AreUnderstood) {
  const NamedModel named = perturbed(small::gpt2());
  const path folder = fresh_folder("published");
  export_hugging_face(named, at::kFloat, folder);
  NamedTensors theirs = read_safetensors(folder / "model.safetensors");
  NamedTensors bare{{"h.0.attn.bias", at::ones({1, 1, 19, 19})}};
  for (const auto& [name, tensor] : theirs)
    bare.emplace(name.substr(std::string("transformer.").size()), tensor);
  write_safetensors(folder / "model.safetensors", bare);
  const NamedModel back = import_hugging_face(folder);
  for (const auto& [name, tensor] : named.tensors)
    EXPECT_TRUE(at::equal(back.tensors.at(name), tensor)) << name;
}

}  // namespace
}  // namespace spillway::trainer
