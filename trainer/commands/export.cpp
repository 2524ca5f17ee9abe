#include <toml++/toml.h>

#include <iostream>

#include "configs/command_line.hpp"
#include "configs/error.hpp"
#include "trainer/checkpoint/checkpoint_store.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/model/hugging_face/folder.hpp"

namespace spillway::trainer {
namespace {

at::ScalarType type_of(const std::string& name) {
  if (name == "fp32") return at::kFloat;
  if (name == "bf16") return at::kBFloat16;
  fail_choice("--dtype", name, "fp32 | bf16");
}

/// A setting as it stands in a TOML file -> as it is given on the command line, where text has no
/// quotes.
std::string unquoted(const std::string& value) {
  try {
    const toml::table table = toml::parse("value = " + value);
    return table["value"].value<std::string>().value_or(value);
  } catch (const toml::parse_error&) {
    return value;
  }
}

/// The resolved model that the saver put into the metadata.
config::ModelConfig model_of(const Checkpoint& checkpoint) {
  if (!checkpoint.metadata().contains("model")) {
    fail_input(checkpoint.path().string() + " does not say what model it is of");
  }
  std::vector<config::Override> settings;
  for (const auto& [name, value] : checkpoint.metadata().at("model").items()) {
    settings.emplace_back(name, unquoted(value.get<std::string>()));
  }
  return config::load(std::nullopt, settings).model;
}

NamedModel model_in(const Checkpoint& checkpoint) {
  const std::string prefix = "model/";
  NamedModel named{.model = model_of(checkpoint), .tensors = {}};
  for (const std::string& name : checkpoint.names(prefix)) {
    named.tensors.emplace(name.substr(prefix.size()), checkpoint.read(name));
  }
  return named;
}

}  // namespace

int run_export(const std::vector<std::string>& words) {
  const config::Usage usage{
      .command = "export",
      .summary =
          "Writes a model as a Hugging Face folder: config.json, model.safetensors, "
          "tokenizer.json. As bf16 it is the model that bf16-qat evaluated, to the last bit.",
      .positionals = {"RUN_OR_CHECKPOINT", "OUT_DIR"},
      .options = {{"dtype", "fp32|bf16", "number format of the weights", "fp32"}},
      .example = "spillway export runs/demo runs/demo/hugging-face --dtype bf16"};
  const config::Arguments arguments = config::parse(usage, words);
  if (arguments.help()) {
    std::cout << config::help_text(usage);
    return 0;
  }
  const at::ScalarType dtype = type_of(arguments.value("dtype"));
  const std::filesystem::path out = arguments.positionals()[1];
  const auto warn = [](const std::string& line) { std::cerr << "warning: " + line + "\n"; };
  const Checkpoint checkpoint(find_checkpoint(existing_run(arguments.positionals()[0]), warn));
  const NamedModel named = model_in(checkpoint);
  export_hugging_face(named, dtype, out);
  std::cout << "exported " << checkpoint.path().string() << " to " << out.string() << ": "
            << named.model.family << ", " << named.tensors.size() << " parameters as "
            << arguments.value("dtype") << "\n";
  return 0;
}

}  // namespace spillway::trainer
