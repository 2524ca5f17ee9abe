#pragma once

#include <filesystem>
#include <string>

#include "trainer/calibration.hpp"
#include "trainer/ranks.hpp"

namespace spillway::trainer {

/// A calibration, and how it came about.
struct CalibrationResult {
  Calibration calibration = {};
  bool reused = false;       ///< read from the run folder
  std::string warning = {};  ///< why what stood there was of no use, or nothing stands there
};

/// Measures what F, I, W, B and R of every stage take on its own rank, all ranks at once, in each
/// layout that parallel.schedule and parallel.recompute may come to stand for, and what the edges
/// of the pipeline cost. Costs are the mean over replicas. Collective over all ranks: every rank
/// returns the same numbers, to the bit. Keeps them in DIR/calibration.json, where a later start
/// finds them if its fingerprint, hosts and layouts are the same; an empty `dir` keeps nothing.
CalibrationResult calibrate(const config::Config& config, Ranks& ranks,
                            const std::filesystem::path& dir);

}  // namespace spillway::trainer
