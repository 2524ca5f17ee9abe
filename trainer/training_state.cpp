#include "trainer/training_state.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <set>

#include "configs/error.hpp"
#include "configs/load.hpp"

namespace spillway::trainer {
namespace {

using nlohmann::json;

constexpr const char* kExchange = "compression/";

json to_json(const Trainer::Progress& progress) {
  return {{"step", progress.step},
          {"skips", progress.skips},
          {"skips_in_a_row", progress.skips_in_a_row},
          {"tokens", progress.tokens},
          {"loader_position", progress.loader_position}};
}

Trainer::Progress progress_of(const json& saved) {
  return {.step = saved.at("step"),
          .skips = saved.at("skips"),
          .skips_in_a_row = saved.at("skips_in_a_row"),
          .tokens = saved.at("tokens"),
          .loader_position = saved.at("loader_position")};
}

/// The saved exchange state of this rank's parameters.
std::vector<compression::NamedState> exchange_state(const Checkpoint& checkpoint,
                                                    const std::set<std::string>& parameters) {
  std::vector<compression::NamedState> state;
  for (const std::string& name : checkpoint.names(kExchange)) {
    const std::string key = name.substr(std::string(kExchange).size());
    if (parameters.contains(key.substr(0, key.rfind('/'))))
      state.push_back({key, checkpoint.read(name)});
  }
  return state;
}

/// What of the gradient exchange does not go on where it was; empty when everything does.
/// `unused`: saved state that no method has a use for.
std::string restarted_exchange(const json& settings, Trainer& trainer, bool saved,
                               const config::Config& config,
                               const std::vector<std::string>& unused) {
  const std::string now = "'" + config.compression.method + "'";
  const std::string before = settings.value("compression.method", now);
  std::string text;
  if (before != now) text = "compression goes from " + before + " to " + now;
  if (!unused.empty()) {
    text += (text.empty() ? "" : "; ") + unused.front() +
            (unused.size() > 1 ? " and " + std::to_string(unused.size() - 1) + " more" : "") +
            " of the checkpoint have no use";
  }
  if (!saved && trainer.exchange().awaits_state(trainer.steps_done()))
    text += std::string(text.empty() ? "" : "; ") + "error feedback and factors start anew";
  return text;
}

[[noreturn]] void fail_other_model(const std::string& name, const std::string& value,
                                   const std::string& before, const std::filesystem::path& path) {
  fail_input(name + " = " + value + ", but the run to resume (" + path.string() + ") has " +
             before + "; give that, another run.dir, or run.resume = false");
}

}  // namespace

Snapshot take_snapshot(Trainer& trainer, const config::Config& config) {
  trainer.exchange().average_errors();
  Snapshot snapshot;
  snapshot.step = trainer.steps_done();
  const parallel::ProcessGrid& grid = trainer.grid();
  if (grid.replica() == 0) {
    for (std::size_t i = 0; i < trainer.stages().size(); ++i) {
      std::set<std::string> copies;
      for (const Parameter& parameter : trainer.stages()[i]->parameters().parameters()) {
        if (parameter.spec.tied_copy)
          copies.insert(parameter.spec.name);
        else
          snapshot.tensors.push_back({"model/" + parameter.spec.name, parameter.weight});
      }
      for (const OptimizerState& state : trainer.optimizers()[i]->state()) {
        if (!copies.contains(state.parameter))
          snapshot.tensors.push_back({"optimizer/" + state.name, state.tensor});
      }
    }
    for (const compression::NamedState& state : trainer.exchange().state())
      snapshot.tensors.push_back({kExchange + state.name, state.tensor});
  }
  json settings = json::object();
  for (const auto& [name, value] : config::setting_values(config)) settings[name] = value;
  config::Config resolved = config;
  resolved.model = trainer.layout().model;
  json model = json::object();
  for (const auto& [name, value] : config::setting_values(resolved)) {
    if (name.starts_with("model.")) model[name] = value;
  }
  snapshot.metadata = {{"progress", to_json(trainer.progress())},
                       {"settings", settings},
                       {"model", model},
                       {"config", config::to_toml(resolved)},
                       {"layout", {{"stages", grid.stages()}, {"replicas", grid.replicas()}}}};
  return snapshot;
}

void check_same_model(const Checkpoint& checkpoint, const config::ModelConfig& resolved) {
  config::Config wanted;
  wanted.model = resolved;
  const json& saved = checkpoint.metadata().at("model");
  for (const auto& [name, value] : config::setting_values(wanted)) {
    if (!name.starts_with("model.")) continue;
    const std::string before = saved.value(name, value);
    if (before != value) fail_other_model(name, value, before, checkpoint.path());
  }
}

std::string restore(const Checkpoint& checkpoint, Trainer& trainer, const config::Config& config) {
  const at::NoGradGuard no_grad;
  const Trainer::Progress progress = progress_of(checkpoint.metadata().at("progress"));
  std::set<std::string> exchanged;  // by this rank: a tied copy is the embedding rank's to exchange
  for (std::size_t i = 0; i < trainer.stages().size(); ++i) {
    for (const Parameter& parameter : trainer.stages()[i]->parameters().parameters()) {
      if (!parameter.spec.tied_copy) exchanged.insert(parameter.spec.name);
      checkpoint.read_into("model/" + parameter.spec.name, parameter.weight);
    }
    for (const OptimizerState& state : trainer.optimizers()[i]->state()) {
      checkpoint.read_into("optimizer/" + state.name, state.tensor);
    }
    trainer.optimizers()[i]->set_steps_taken(progress.step - progress.skips);
  }
  trainer.resume(progress);
  const std::vector<compression::NamedState> state = exchange_state(checkpoint, exchanged);
  const std::vector<std::string> unused = trainer.exchange().load_state(state);
  return restarted_exchange(checkpoint.metadata().at("settings"), trainer, !state.empty(), config,
                            unused);
}

}  // namespace spillway::trainer
