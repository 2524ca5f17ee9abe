#include "trainer/calibrate.hpp"

#include <unistd.h>

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "configs/error.hpp"
#include "data/tokens/byte_tokenizer.hpp"
#include "parallel/pipeline/links.hpp"
#include "trainer/checkpoint/agreement.hpp"
#include "trainer/checkpoint/durable_file.hpp"
#include "trainer/choose_plan.hpp"
#include "trainer/measure_stage.hpp"
#include "trainer/model/partition.hpp"
#include "trainer/plan_workload.hpp"
#include "trainer/stage_options.hpp"

namespace spillway::trainer {
namespace {

/// Without times.
std::vector<MeasuredLayout> layouts_to_measure(const config::Config& config) {
  const PlanRequest request{.config = config};
  std::vector<std::vector<int>> placements;
  if (config.parallel.schedule == "auto") {
    for (Candidate& candidate : candidates(request)) {
      placements.push_back(std::move(candidate.rank_of_stage));
    }
  } else {
    placements.push_back(pipeline::rank_of_stage(named_schedule(config.parallel)));
  }
  std::vector<MeasuredLayout> layouts;
  for (const std::vector<int>& placement : placements) {
    for (const Recompute recompute : recomputes_to_try(request)) {
      layouts.push_back({.rank_of_stage = placement, .recompute = recompute});
    }
  }
  return layouts;
}

std::vector<std::string> hosts_of(comm::Communicator& control) {
  char name[256] = {};
  ::gethostname(name, sizeof name - 1);
  return gather_text(control, name);
}

/// The costs of this rank's stages; what two layouts share is measured once.
class Meter {
 public:
  Meter(const config::Config& config, const Ranks& ranks)
      : config_(config),
        model_(resolve(config.model, data::kVocabulary)),
        rank_(ranks.grid.stage()),
        device_(ranks.device) {}

  void measure(MeasuredLayout& layout) {
    const auto slices =
        partition(model_, std::ssize(layout.rank_of_stage), config_.parallel.layers_per_stage);
    layout.stages.resize(slices.size());
    for (std::size_t stage = 0; stage < slices.size(); ++stage) {
      if (layout.rank_of_stage[stage] != rank_) continue;
      layout.stages[stage] = costs(slices[stage], layout.recompute);
    }
  }

 private:
  pipeline::StageCosts costs(const Slice& slice, Recompute recompute) {
    const auto key = std::tuple(slice.first_layer, slice.layer_count, recompute);
    const auto known = known_.find(key);
    if (known != known_.end()) return known->second;
    const StageOptions options = stage_options(config_, model_, slice, recompute, device_);
    return known_[key] = measure_stage(options);
  }

  const config::Config& config_;
  config::ModelConfig model_;
  int rank_;
  at::Device device_;
  std::map<std::tuple<std::int64_t, std::int64_t, Recompute>, pipeline::StageCosts> known_;
};

/// Each stage's times as its own ranks have them: the mean over replicas.
void merge(std::vector<MeasuredLayout>& layouts, const std::vector<Calibration>& by_rank,
           int stages) {
  const double share = static_cast<double>(stages) / static_cast<double>(by_rank.size());
  for (std::size_t l = 0; l < layouts.size(); ++l) {
    layouts[l].stages.assign(layouts[l].rank_of_stage.size(), {});
    for (std::size_t rank = 0; rank < by_rank.size(); ++rank) {
      for (std::size_t s = 0; s < layouts[l].stages.size(); ++s) {
        if (layouts[l].rank_of_stage[s] != static_cast<int>(rank) % stages) continue;
        const pipeline::StageCosts& one = by_rank[rank].layouts[l].stages[s];
        pipeline::StageCosts& mean = layouts[l].stages[s];
        mean.forward += share * one.forward;
        mean.backward_input += share * one.backward_input;
        mean.backward_weight += share * one.backward_weight;
        mean.backward += share * one.backward;
        mean.recompute += share * one.recompute;
      }
    }
  }
}

Calibration measure(const config::Config& config, Ranks& ranks, Calibration calibration) {
  Meter meter(config, ranks);
  for (MeasuredLayout& layout : calibration.layouts) {
    ranks.log.works("measuring the costs of this rank's stages");
    meter.measure(layout);
  }
  ranks.log.waits("all ranks, to measure the edges");
  ranks.control->barrier().wait();
  const pipeline::Link link = pipeline::measure_link(
      ranks.grid, static_cast<std::int64_t>(edge_bytes(config)), ranks.device);
  calibration.hop_seconds = link.hop_seconds;
  calibration.transfer_seconds = link.transfer_seconds;
  ranks.log.waits("the measured costs of all ranks");
  std::vector<Calibration> by_rank;
  for (const std::string& text : gather_text(*ranks.control, to_text(calibration))) {
    by_rank.push_back(parse_calibration(text, "a rank's measured costs"));
  }
  merge(calibration.layouts, by_rank, ranks.grid.stages());
  const std::string text = broadcast_text(*ranks.control, to_text(calibration));
  return parse_calibration(text, "the measured costs");
}

bool serves(const Calibration& kept, const Calibration& wanted) {
  if (kept.fingerprint != wanted.fingerprint || kept.hosts != wanted.hosts) return false;
  return std::ranges::all_of(wanted.layouts, [&](const MeasuredLayout& layout) {
    return kept.find(layout.rank_of_stage, layout.recompute) != nullptr;
  });
}

/// Rank 0's reading of the file: its text if it serves, else nothing, and why if it is damaged.
std::pair<std::string, std::string> read_kept(const std::filesystem::path& file,
                                              const Calibration& wanted) {
  if (!std::filesystem::exists(file)) return {};
  try {
    const std::string text = read_text(file);
    return {serves(parse_calibration(text, file.string()), wanted) ? text : "", ""};
  } catch (const Error& error) {
    return {"", std::string(error.what()) + "; the costs are measured anew"};
  }
}

void keep(const std::filesystem::path& file, CalibrationResult& result) {
  try {
    write_file_durably(file, to_text(result.calibration));
  } catch (const Error& error) {
    result.warning = std::string("the measured costs are not kept: ") + error.what();
  }
}

}  // namespace

CalibrationResult calibrate(const config::Config& config, Ranks& ranks,
                            const std::filesystem::path& dir) {
  const Calibration wanted{.fingerprint = calibration_fingerprint(config),
                           .hosts = hosts_of(*ranks.control),
                           .layouts = layouts_to_measure(config)};
  const std::filesystem::path file = dir / "calibration.json";
  const bool leads = ranks.control->rank() == 0;
  std::pair<std::string, std::string> kept;
  if (leads && !dir.empty()) kept = read_kept(file, wanted);
  const std::string text = broadcast_text(*ranks.control, kept.first);
  if (!text.empty()) return {.calibration = parse_calibration(text, file.string()), .reused = true};
  CalibrationResult result{.calibration = measure(config, ranks, wanted), .warning = kept.second};
  if (leads && !dir.empty()) keep(file, result);
  return result;
}

}  // namespace spillway::trainer
