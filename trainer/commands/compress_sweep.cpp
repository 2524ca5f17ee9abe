// `spillway compress sweep`: trains the configured model once for each compression setting, under
// mpirun, and compares bytes, time, error and loss.
#include <algorithm>
#include <chrono>
#include <iostream>

#include "configs/command_line.hpp"
#include "configs/error.hpp"
#include "parallel/comm/mpi_environment.hpp"
#include "trainer/check_run.hpp"
#include "trainer/checkpoint/agreement.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/commands/compress_sweep_folder.hpp"
#include "trainer/commands/compress_sweep_run.hpp"
#include "trainer/commands/progress_line.hpp"
#include "trainer/gradient_sync.hpp"
#include "trainer/prepare_layout.hpp"
#include "trainer/same_configuration.hpp"

namespace spillway::trainer {
namespace {

constexpr std::int64_t kLeastTimed = 3;
constexpr std::int64_t kWarmupSteps = 2;

config::Usage sweep_usage() {
  return {
      .command = "compress sweep",
      .summary =
          "Trains the configured model from the same seed once for each cell, a choice of settings "
          "of [compression], for the same number of steps, and reports step time, bytes at the "
          "communicator, error against the exact mean and loss. bf16 all-reduce beside the "
          "backward is always one of them. A sweep that was interrupted continues with the cells "
          "that are missing in --out.",
      .positionals = {"[CONFIG]"},
      .options = {{"out", "DIR", "folder of the sweep: sweep.json, sweep.csv, sweep.h5, cells/"},
                  {"cells", "LIST",
                   "cells divided by \";\", settings by \",\": "
                   "\"none;powersgd,approximation_rank=4,wire=bf16\"; default: every method with "
                   "each rank (1, 4, 16), wire format, density and quantization that it has"},
                  {"steps", "N", "optimizer steps of each cell", "60"},
                  {"reference-every", "K",
                   "steps between exact means by an extra fp32 all-reduce, whose step is not "
                   "timed; 0: none",
                   "10"},
                  {"target-loss", "X",
                   "loss to which the time is compared; default: the worst final loss of none and "
                   "bf16"},
                  {"format", "table|json", "how to print", "table"}},
      .settings = true,
      .example = "mpirun -np 2 spillway compress sweep configs/presets/demo.toml --out runs/sweep"};
}

std::vector<SweepCell> make_cells(const config::Arguments& arguments, const config::Config& base,
                                  std::int64_t steps) {
  const std::string list = arguments.given("cells")
                               ? arguments.value("cells")
                               : default_cells(arguments, exchanged_shapes(base.model));
  std::vector<SweepCell> cells = parse_cells(list, arguments);
  for (SweepCell& cell : cells) cell.config.run.steps = steps;
  return cells;
}

/// Steps that can be timed lie behind every cell's start_step.
SweepOptions sweep_options(const config::Arguments& arguments,
                           const std::vector<SweepCell>& cells) {
  SweepOptions options{.steps = arguments.integer("steps"),
                       .reference_every = arguments.integer("reference-every")};
  if (options.reference_every < 0 || options.reference_every == 1) {
    fail_input("--reference-every = " + std::to_string(options.reference_every) +
               "; valid: 0, or >= 2, so that some steps can be timed");
  }
  options.timed_from = kWarmupSteps;
  for (const SweepCell& cell : cells)
    options.timed_from = std::max(options.timed_from, cell.config.compression.start_step);
  const std::int64_t behind = std::max<std::int64_t>(0, options.steps - options.timed_from);
  const std::int64_t untimed =
      options.reference_every > 0 ? behind / options.reference_every + 1 : 0;
  if (behind - untimed < kLeastTimed) {
    fail_input("--steps = " + std::to_string(options.steps) +
               " leaves too few steps to time behind " + "step " +
               std::to_string(options.timed_from) +
               " (warm-up, compression.start_step); valid: >= " +
               std::to_string(options.timed_from + untimed + kLeastTimed));
  }
  return options;
}

/// What all cells have in common; a sweep goes on only under the same.
std::string shared_text(const SweepCell& any, const config::Config& base,
                        const SweepOptions& options, int ranks) {
  config::Config shared = any.config;
  shared.compression = base.compression;
  return setting_lines(shared) +
         "sweep.reference_every = " + std::to_string(options.reference_every) +
         "\nsweep.ranks = " + std::to_string(ranks) + "\n";
}

/// Shows on one rank how far the sweep is and how long the rest takes.
class Progress {
 public:
  Progress(std::int64_t cells, std::int64_t steps) : cells_(cells), steps_(steps) {}

  void begin(std::int64_t cell, const std::string& name) {
    cell_ = cell;
    name_ = name;
  }
  void show(std::int64_t step) {
    ++done_;
    const std::int64_t left = (cells_ - cell_ - 1) * steps_ + steps_ - step;
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start_;
    const auto seconds = static_cast<std::int64_t>(spent.count() / static_cast<double>(done_) *
                                                   static_cast<double>(left));
    line_.show("cell " + std::to_string(cell_ + 1) + " of " + std::to_string(cells_) + " (" +
               name_ + "): step " + std::to_string(step) + " of " + std::to_string(steps_) + ", " +
               std::to_string(seconds / 60) + " min " + std::to_string(seconds % 60) +
               " s left at most");
  }
  void clear() { line_.clear(); }

 private:
  std::int64_t cells_, steps_, cell_ = 0, done_ = 0;
  std::string name_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  ProgressLine line_;
};

/// Runs what is missing. The results are complete on rank 0 alone.
std::vector<CellResult> run_cells(const std::vector<SweepCell>& cells, const SweepOptions& options,
                                  const SweepFolder* folder, Ranks& ranks) {
  const Layout layout = prepare_layout(cells.front().config, ranks, "").layout;
  std::vector<CellResult> results;
  std::optional<Progress> progress;
  if (folder) progress.emplace(static_cast<std::int64_t>(cells.size()), options.steps);
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::optional<CellResult> found;
    if (folder) found = folder->find(cells[i].name);
    const bool finished = broadcast_text(*ranks.control, found ? "finished" : "") == "finished";
    if (progress) progress->begin(static_cast<std::int64_t>(i), cells[i].name);
    if (!finished) {
      found = run_cell(cells[i], options, layout, ranks, [&](std::int64_t step) {
        if (progress) progress->show(step);
      });
      if (folder) folder->publish(*found);
    }
    if (found) results.push_back(std::move(*found));
  }
  if (progress) progress->clear();
  return results;
}

double target_loss(const config::Arguments& arguments, const std::vector<CellResult>& results) {
  return arguments.given("target-loss") ? arguments.number("target-loss") : default_target(results);
}

}  // namespace

int run_compress_sweep(const std::vector<std::string>& words) {
  const config::Arguments arguments = config::parse(sweep_usage(), words);
  if (arguments.help()) {
    if (comm::launch_info().rank == 0) std::cout << config::help_text(sweep_usage());
    return 0;
  }
  if (!arguments.given("out")) fail_input("--out is not given; name the folder of the sweep");
  const std::string& format = arguments.choice("format", "table | json");
  if (arguments.given("target-loss")) static_cast<void>(arguments.number("target-loss"));
  const config::Config base = config::load(arguments);
  check_run(base, comm::launch_info().size);
  const std::vector<SweepCell> cells = make_cells(arguments, base, arguments.integer("steps"));
  const SweepOptions options = sweep_options(arguments, cells);

  const comm::MpiEnvironment environment;
  Ranks ranks(base);
  std::optional<SweepFolder> folder;
  if (ranks.control->rank() == 0) {
    folder.emplace(arguments.value("out"),
                   shared_text(cells.front(), base, options, ranks.control->size()));
  }
  const std::vector<CellResult> results =
      run_cells(cells, options, folder ? &*folder : nullptr, ranks);
  if (!folder) return 0;
  const double target = target_loss(arguments, results);
  folder->write_summary(results, target, ranks.grid.replicas());
  if (format == "table") {
    std::cout << sweep_table(results, target)
              << "times in ms, medians; everything is in " + arguments.value("out") +
                     "; a page: scripts/sweep_report.py " + arguments.value("out") + "\n";
  } else {
    nlohmann::ordered_json json = nlohmann::ordered_json::array();
    for (const CellResult& result : results) json.push_back(to_json(result));
    std::cout << json.dump(2) << "\n";
  }
  return 0;
}

}  // namespace spillway::trainer
