#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "configs/schema.hpp"
#include "parallel/pipeline/simulate.hpp"
#include "trainer/model/recompute.hpp"

namespace spillway::trainer {

/// One way to cut the model into stages, to place them and to recompute, and what its actions take.
struct MeasuredLayout {
  std::vector<int> rank_of_stage = {};
  Recompute recompute = Recompute::none;
  std::vector<pipeline::StageCosts> stages = {};  ///< seconds
};

/// What a run's actions and messages take on its own ranks: RUN/calibration.json.
struct Calibration {
  std::string fingerprint = {};         ///< see calibration_fingerprint()
  std::vector<std::string> hosts = {};  ///< by world rank
  double hop_seconds = 0;               ///< of a message of one byte between neighbours
  double transfer_seconds = 0;          ///< more for an edge
  std::vector<MeasuredLayout> layouts = {};

  /// nullptr if it was not measured.
  const MeasuredLayout* find(const std::vector<int>& rank_of_stage, Recompute recompute) const;
  /// The costs of such a layout, whose edges carry `edge_bytes`. Throws Error(input), naming what
  /// was measured, if it was not.
  pipeline::Costs costs(const std::vector<int>& rank_of_stage, Recompute recompute,
                        double edge_bytes) const;
};

/// 16 digits that change with every setting that the measured times depend on: model, stages,
/// micro-batch size, number formats, device, threads. Schedule, chunks and recomputation are not
/// among them, because a calibration says for which of those it holds.
std::string calibration_fingerprint(const config::Config& config);

/// Numbers come back to the bit.
std::string to_text(const Calibration& calibration);
/// Throws Error(input) with `source` and what is wrong: no JSON, a key missing, a time that is no
/// number of at least 0.
Calibration parse_calibration(const std::string& text, const std::string& source);

}  // namespace spillway::trainer
