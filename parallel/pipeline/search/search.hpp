#pragma once

#include <string>
#include <vector>

#include "parallel/pipeline/schedule.hpp"
#include "parallel/pipeline/simulate.hpp"

namespace spillway::pipeline {

/// A pipeline that wants a schedule. Stage s stands on rank rank_of_stage[s].
struct SearchProblem {
  std::vector<int> rank_of_stage = {};
  int ranks = 1;
  int microbatches = 1;
  Costs costs = {};  ///< stages: one a stage; messages cost hop_seconds only
  /// By rank: the most activations at once, in micro-batches of a rank's whole share, as
  /// Simulation::peak_activations counts them: a stage of v per rank counts 1/v from the start of
  /// its F to the end of its W. Infinity: no limit.
  std::vector<double> memory_cap = {};
};

/// A compute schedule with the placement and micro-batches of the problem, that a result must not
/// be worse than.
struct Seed {
  std::string name;
  Schedule schedule;
};

struct SearchResult {
  Schedule schedule = {};   ///< compute; I and W apart, unless it is a seed
  double makespan = 0;      ///< seconds, as simulate(lower(schedule, costs), costs) has it
  double lower_bound = 0;   ///< seconds; no schedule of F, I and W is shorter
  std::string origin = {};  ///< name of the seed that it is, or "search"
};

/// Finds the compute schedule of least makespan under the caps: list scheduling under thousands of
/// policies, for many micro-batches also a solution for 2 per rank whose steady unit is repeated
/// (Lin et al. 2023, arXiv:2311.15269, section 4), then simulated annealing from the best of these
/// and of the seeds. Never worse than a seed that fits.
///
/// The same input gives the same schedule: the work is counted, not timed. `effort` scales it; 1
/// takes up to half a second for some hundred actions, and some seconds for 16 stages of 64
/// micro-batches. Throws Error(input) naming the least cap that is enough where the caps allow no
/// schedule, and where sizes of the problem do not go together.
SearchResult search_schedule(const SearchProblem& problem, const std::vector<Seed>& seeds,
                             double effort = 1);

}  // namespace spillway::pipeline
