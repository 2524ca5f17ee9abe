// Exchanges models with the cross-check in exchange_test.py.
//   exchange export FOLDER   writes FOLDER/{gpt2,llama}-{tied,untied}-{fp32,bf16}/, beside each
//   what this program computes with it
//                            (expected.safetensors: tokens, logits, loss;
//                            gradients/model.safetensors), and FOLDER/texts.json
//   exchange import FOLDER   reads the model in FOLDER and FOLDER/tokens.safetensors, writes
//   FOLDER/logits.safetensors
#include <ATen/ATen.h>

#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "data/tokens/byte_tokenizer.hpp"
#include "tests/trainer/model/pure_forward.hpp"
#include "tests/trainer/model/small_models.hpp"

namespace spillway::trainer {
namespace {

using std::filesystem::path;

/// Next tokens; the last position of each sequence has none.
at::Tensor next_tokens(const at::Tensor& tokens) {
  at::Tensor targets = at::roll(tokens, -1, 1);
  targets.select(1, tokens.size(1) - 1).fill_(-100);
  return targets;
}

void export_one(const config::ModelConfig& model, at::ScalarType type, const path& folder) {
  ModelStage stage({.model = model, .slice = whole_model(model), .microbatch_size = 3});
  initialize(stage.parameters(), model, 3);
  small::perturb(stage.parameters());
  const NamedTensors weights = small::weights_of(stage.parameters());
  export_hugging_face({model, weights}, type, folder);

  const at::Tensor tokens = small::batch(model, 1).tokens;
  const at::Tensor targets = next_tokens(tokens);
  const auto counted = static_cast<double>(targets.ne(-100).sum().item<std::int64_t>());
  stage.begin_step(1.0 / counted, 1);
  stage.set_microbatch(0, tokens, targets);
  stage.forward(0, {});
  stage.backward(0, {});
  small::sum_tied_uses(stage, stage);
  NamedTensors gradients;
  for (const Parameter& parameter : stage.parameters().parameters()) {
    gradients.emplace(parameter.spec.name, parameter.gradient);
  }
  export_hugging_face({model, gradients}, at::kFloat, folder / "gradients");
  const at::NoGradGuard no_grad;
  const at::Tensor logits = small::pure_forward(model, small::in_type(weights, type), tokens)
                                .narrow(-1, 0, model.vocabulary);
  write_safetensors(folder / "expected.safetensors",
                    {{"tokens", tokens.to(at::kFloat)},
                     {"logits", logits.to(at::kFloat)},
                     {"loss", (stage.loss_sums() / counted).to(at::kFloat)}});
}

void export_texts(const path& file) {
  const std::vector<std::string> texts{
      "",
      "Hello, world!",
      " leading and trailing ",
      "tabs\tlines\r\n\n\x01\x7f",
      "<document_start><turn_user>not a control token<document_end>",
      "Größe, 你好, עברית, e\xcc\x81, \xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb"};
  nlohmann::json pairs = nlohmann::json::array();
  for (const std::string& text : texts) {
    std::vector<std::int32_t> ids;
    data::encode(text, {}, ids);
    pairs.push_back(
        {{"text", text}, {"ids", std::vector<std::int32_t>(ids.begin() + 1, ids.end() - 1)}});
  }
  std::ofstream(file) << nlohmann::json{{"pairs", pairs}, {"vocabulary", data::kVocabulary}};
}

void export_all(const path& folder) {
  for (const bool tied : {true, false}) {
    for (const auto& model : {small::gpt2(tied), small::llama(tied)}) {
      const std::string name = model.family + (tied ? "-tied-" : "-untied-");
      export_one(model, at::kFloat, folder / (name + "fp32"));
      export_one(model, at::kBFloat16, folder / (name + "bf16"));
    }
  }
  export_texts(folder / "texts.json");
}

void import_one(const path& folder) {
  const at::NoGradGuard no_grad;
  const NamedModel named = import_hugging_face(folder);
  const at::Tensor tokens =
      read_safetensors(folder / "tokens.safetensors").at("tokens").to(at::kLong);
  const at::Tensor logits = small::pure_forward(named.model, named.tensors, tokens);
  write_safetensors(folder / "logits.safetensors",
                    {{"logits", logits.narrow(-1, 0, named.model.vocabulary)}});
}

}  // namespace
}  // namespace spillway::trainer

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 2 && words[0] == "export") {
    spillway::trainer::export_all(words[1]);
  } else if (words.size() == 2 && words[0] == "import") {
    spillway::trainer::import_one(words[1]);
  } else {
    std::cerr << "usage: exchange export|import FOLDER\n";
    return 2;
  }
  return 0;
}
