#include "trainer/calibration.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

#include "configs/error.hpp"
#include "configs/load.hpp"
#include "trainer/checkpoint/checksum.hpp"

namespace spillway::trainer {
namespace {

using Json = nlohmann::ordered_json;

constexpr int kFormat = 1;

std::string describe(const std::vector<int>& rank_of_stage, Recompute recompute) {
  std::string text = "stages on ranks";
  for (const int rank : rank_of_stage) text += " " + std::to_string(rank);
  return text + " with recompute " + to_string(recompute);
}

double seconds_at(const Json& json, const std::string& key) {
  const double seconds = json.at(key).get<double>();
  if (!std::isfinite(seconds) || seconds < 0) {
    fail_input("\"" + key + "\" is " + json.at(key).dump() + "; valid: a time of at least 0");
  }
  return seconds;
}

Json to_json(const pipeline::StageCosts& costs) {
  return {{"F", costs.forward},
          {"I", costs.backward_input},
          {"W", costs.backward_weight},
          {"B", costs.backward},
          {"R", costs.recompute}};
}

pipeline::StageCosts parse_stage(const Json& json) {
  return {.forward = seconds_at(json, "F"),
          .backward_input = seconds_at(json, "I"),
          .backward_weight = seconds_at(json, "W"),
          .backward = seconds_at(json, "B"),
          .recompute = seconds_at(json, "R")};
}

MeasuredLayout parse_layout(const Json& json) {
  MeasuredLayout layout{.rank_of_stage = json.at("rank_of_stage").get<std::vector<int>>(),
                        .recompute = recompute_mode(json.at("recompute").get<std::string>())};
  for (const Json& stage : json.at("stages")) layout.stages.push_back(parse_stage(stage));
  if (layout.stages.size() != layout.rank_of_stage.size()) {
    fail_input("times of " + std::to_string(layout.stages.size()) + " stages stand for " +
               std::to_string(layout.rank_of_stage.size()));
  }
  return layout;
}

}  // namespace

const MeasuredLayout* Calibration::find(const std::vector<int>& rank_of_stage,
                                        Recompute recompute) const {
  for (const MeasuredLayout& layout : layouts) {
    if (layout.rank_of_stage == rank_of_stage && layout.recompute == recompute) return &layout;
  }
  return nullptr;
}

pipeline::Costs Calibration::costs(const std::vector<int>& rank_of_stage, Recompute recompute,
                                   double edge_bytes) const {
  const MeasuredLayout* layout = find(rank_of_stage, recompute);
  if (layout == nullptr) {
    std::string known;
    for (const MeasuredLayout& one : layouts) {
      known += (known.empty() ? "" : "; ") + describe(one.rank_of_stage, one.recompute);
    }
    fail_input("no costs were measured for " + describe(rank_of_stage, recompute) +
               "; measured: " + known);
  }
  pipeline::Costs costs{
      .stages = layout->stages, .hop_seconds = hop_seconds, .edge_bytes = edge_bytes};
  if (transfer_seconds > 0) costs.bytes_per_second = edge_bytes / transfer_seconds;
  return costs;
}

std::string calibration_fingerprint(const config::Config& config) {
  config::Config relevant;
  relevant.model = config.model;
  relevant.precision.mode = config.precision.mode;
  relevant.run.device = config.run.device;
  relevant.run.threads = config.run.threads;
  relevant.parallel.stages = config.parallel.stages;
  relevant.parallel.layers_per_stage = config.parallel.layers_per_stage;
  relevant.parallel.microbatch_size = config.parallel.microbatch_size;
  relevant.parallel.recompute_layers = config.parallel.recompute_layers;
  relevant.parallel.edge_dtype = config.parallel.edge_dtype;
  relevant.parallel.reproducible = config.parallel.reproducible;
  relevant.parallel.backend = config.parallel.backend;
  return checksum(config::to_toml(relevant));
}

std::string to_text(const Calibration& calibration) {
  Json layouts = Json::array();
  for (const MeasuredLayout& layout : calibration.layouts) {
    Json stages = Json::array();
    for (const pipeline::StageCosts& costs : layout.stages) stages.push_back(to_json(costs));
    layouts.push_back({{"rank_of_stage", layout.rank_of_stage},
                       {"recompute", to_string(layout.recompute)},
                       {"stages", stages}});
  }
  return Json{{"format", kFormat},
              {"fingerprint", calibration.fingerprint},
              {"hosts", calibration.hosts},
              {"hop_seconds", calibration.hop_seconds},
              {"transfer_seconds", calibration.transfer_seconds},
              {"layouts", layouts}}
             .dump(2) +
         "\n";
}

Calibration parse_calibration(const std::string& text, const std::string& source) {
  try {
    const Json json = Json::parse(text);
    if (json.at("format") != kFormat) {
      fail_input("format " + json.at("format").dump() + "; valid: " + std::to_string(kFormat));
    }
    Calibration calibration{.fingerprint = json.at("fingerprint").get<std::string>(),
                            .hosts = json.at("hosts").get<std::vector<std::string>>(),
                            .hop_seconds = seconds_at(json, "hop_seconds"),
                            .transfer_seconds = seconds_at(json, "transfer_seconds")};
    for (const Json& layout : json.at("layouts")) {
      calibration.layouts.push_back(parse_layout(layout));
    }
    return calibration;
  } catch (const std::exception& error) {
    fail_input(source + ": " + error.what());
  }
}

}  // namespace spillway::trainer
