#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <iostream>

#include "configs/command_line.hpp"
#include "configs/error.hpp"
#include "trainer/checkpoint/checkpoint_store.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/model/hugging_face/folder.hpp"

namespace spillway::trainer {
namespace {

std::vector<config::Override> model_settings(const config::ModelConfig& model) {
  config::Config config;
  config.model = model;
  std::vector<config::Override> settings = config::setting_values(config);
  std::erase_if(settings, [](const auto& one) { return !one.first.starts_with("model."); });
  return settings;
}

/// " --model.layers=12 ...": what is not the default.
std::string settings_to_give(const config::ModelConfig& model) {
  const std::vector<config::Override> defaults = model_settings({});
  std::string text;
  for (const config::Override& setting : model_settings(model)) {
    if (std::find(defaults.begin(), defaults.end(), setting) != defaults.end()) continue;
    text.append(" --").append(setting.first).append("=").append(setting.second);
  }
  return text;
}

/// A checkpoint from which training can start: step 0, moments at zero, nothing trained on yet.
Snapshot snapshot_of(const NamedModel& named, const std::string& source) {
  Snapshot snapshot;
  for (const auto& [name, tensor] : named.tensors) {
    snapshot.tensors.push_back({"model/" + name, tensor});
    for (const char* moment : {"exp_avg", "exp_avg_sq"}) {
      snapshot.tensors.push_back({"optimizer/" + name + "/" + moment, at::zeros_like(tensor)});
    }
  }
  nlohmann::json model = nlohmann::json::object();
  for (const auto& [name, value] : model_settings(named.model)) model[name] = value;
  snapshot.metadata = {
      {"progress",
       {{"step", 0}, {"skips", 0}, {"skips_in_a_row", 0}, {"tokens", 0}, {"loader_position", 0}}},
      {"settings", nlohmann::json::object()},
      {"model", model},
      {"layout", {{"stages", 1}, {"replicas", 1}}},
      {"imported_from", source}};
  return snapshot;
}

/// A name like step-000123 promises a step; an imported model is at step 0.
void check_name(const std::filesystem::path& out) {
  const std::string name = out.filename();
  if (name.starts_with("step-") && name != checkpoint_name(0)) {
    fail_input(out.string() + ": an imported model has done no step; valid: " +
               (out.parent_path() / checkpoint_name(0)).string());
  }
}

}  // namespace

int run_import(const std::vector<std::string>& words) {
  const config::Usage usage{
      .command = "import",
      .summary =
          "Makes a checkpoint of a Hugging Face folder (GPT-2 or Llama). As "
          "RUN/checkpoints/step-000000 it is what `spillway train` with run.dir = RUN "
          "starts from.",
      .positionals = {"HF_DIR", "OUT_CHECKPOINT"},
      .options = {},
      .example = "spillway import gpt2 runs/tuned/checkpoints/step-000000"};
  const config::Arguments arguments = config::parse(usage, words);
  if (arguments.help()) {
    std::cout << config::help_text(usage);
    return 0;
  }
  const std::filesystem::path source = existing_run(arguments.positionals()[0]);
  const std::filesystem::path out = arguments.positionals()[1];
  check_name(out);
  const NamedModel named = import_hugging_face(source);
  save_alone(out, snapshot_of(named, std::filesystem::absolute(source).string()));
  std::cout << "imported " << source.string() << " to " << out.string()
            << "\nto train it: spillway train" << settings_to_give(named.model) << "\n";
  return 0;
}

}  // namespace spillway::trainer
