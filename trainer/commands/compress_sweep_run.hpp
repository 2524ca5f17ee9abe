#pragma once

#include <functional>

#include "trainer/commands/compress_sweep_cells.hpp"
#include "trainer/commands/compress_sweep_result.hpp"
#include "trainer/layout.hpp"
#include "trainer/ranks.hpp"

namespace spillway::trainer {

struct SweepOptions {
  std::int64_t steps = 0;
  std::int64_t reference_every = 0;  ///< steps between exact means; 0: none is taken
  std::int64_t timed_from = 0;       ///< first step (from 0) whose time counts
};

/// Trains the cell from its seed for `options.steps` steps and measures it. `step_done` is told the
/// number of steps so far. Collective over all ranks of `ranks`; every rank gets the same result.
/// Throws Error(input) where `cell` cannot run on these ranks.
CellResult run_cell(const SweepCell& cell, const SweepOptions& options, const Layout& layout,
                    Ranks& ranks, const std::function<void(std::int64_t)>& step_done);

}  // namespace spillway::trainer
