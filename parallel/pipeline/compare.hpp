#pragma once

#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "parallel/pipeline/prediction.hpp"

namespace spillway::pipeline {

/// A schedule to be judged: its name, what makes its prediction, which may throw Error(input) where
/// the schedule cannot be had (too few layers for its chunks, ...), and what it recomputes (empty
/// where all do the same).
struct Proposal {
  std::string name;
  std::function<Prediction()> predict;
  std::string recompute = {};
};

/// One line of the comparison.
struct Contender {
  std::string name = {};
  std::string recompute = {};
  std::optional<Prediction> prediction = {};  ///< nullopt: the schedule cannot be had
  bool fits = false;                          ///< under the cap
  std::string verdict = {};  ///< "picked", "slower by 22.2 %", "holds 8 activations, the cap is 4",
                             ///< why it cannot be had
};

/// Best first: the least makespan, then the least peak of activations, then the fewest messages,
/// then the order of the proposals; behind them those over `cap`, then those that cannot be had.
/// The first, if it fits, is the one to pick; each verdict says why its contender loses against it.
std::vector<Contender> compare(const std::vector<Proposal>& proposals,
                               double cap = std::numeric_limits<double>::infinity());

}  // namespace spillway::pipeline
