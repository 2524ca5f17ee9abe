#include <fstream>
#include <iostream>

#include "configs/command_line.hpp"
#include "configs/error.hpp"
#include "parallel/comm/mpi_environment.hpp"
#include "trainer/check_run.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/observe/console.hpp"
#include "trainer/prepare_layout.hpp"
#include "trainer/saturation.hpp"
#include "trainer/trainer.hpp"

namespace spillway::trainer {
namespace {

config::Usage stress_usage() {
  return {.command = "stress",
          .summary =
              "Trains as fast as it can for a while and reports what was sustained: tokens/s with "
              "a 95 % interval, step times, idle share per "
              "rank.\nWrites nothing but --out; no checkpoint is read or saved.",
          .positionals = {"[CONFIG]"},
          .options = {{"format", "table|json", "how to print", "table"},
                      {"out", "FILE", "also write the JSON there"}},
          .settings = true,
          .example = "mpirun -np 4 spillway stress configs/presets/demo.toml --stress.steps=50"};
}

std::vector<StepResult> run_window(Trainer& trainer, const config::StressConfig& stress,
                                   Console* console) {
  std::vector<StepResult> window;
  const std::int64_t total = stress.warmup_steps + stress.steps;
  for (std::int64_t step = 0; step < total; ++step) {
    StepResult result = trainer.step();
    if (step >= stress.warmup_steps) window.push_back(std::move(result));
    if (console) console->progress(step + 1, total);
  }
  return window;
}

void print_table(const Saturation& result, std::ostream& out) {
  char line[160];
  std::snprintf(line, sizeof line, "sustained  %.0f tokens/s (95 %%: %.0f to %.0f)\n",
                result.tokens_per_second, result.tokens_per_second_95.low,
                result.tokens_per_second_95.high);
  out << line;
  std::snprintf(line, sizeof line, "step time  p50 %.1f ms, p90 %.1f ms, p99 %.1f ms\n",
                1e3 * result.step_p50, 1e3 * result.step_p90, 1e3 * result.step_p99);
  out << line << "idle       ";
  for (std::size_t rank = 0; rank < result.idle_share.size(); ++rank) {
    std::snprintf(line, sizeof line, "%srank %zu %.1f %%", rank ? ", " : "", rank,
                  100 * result.idle_share[rank]);
    out << line;
  }
  out << "\nwindow     " << result.steps << " steps after " << result.warmup_steps
      << " of warm-up, " << result.skipped << " skipped\n";
}

}  // namespace

int run_stress(const std::vector<std::string>& words) {
  const config::Usage usage = stress_usage();
  const config::Arguments arguments = config::parse(usage, words);
  if (arguments.help()) {
    std::cout << config::help_text(usage);
    return 0;
  }
  const config::Config config = config::load(arguments);
  const std::string& format = arguments.choice("format", "table | json");
  check_run(config, comm::launch_info().size);

  const comm::MpiEnvironment environment;
  Ranks ranks(config);
  Trainer trainer(config, prepare_layout(config, ranks, "").layout, ranks);
  const bool leads = ranks.control->rank() == 0;
  // The table is for standard output; progress must not end up in a file beside it.
  std::unique_ptr<Console> console;
  if (leads && is_terminal()) console = std::make_unique<Console>(std::cout, true);
  const std::vector<StepResult> window = run_window(trainer, config.stress, console.get());
  if (!leads) return 0;
  if (console) console->finish();
  const Saturation result = summarize(window, config.stress.warmup_steps);
  if (format == "json")
    std::cout << to_json(result).dump(2) << "\n";
  else
    print_table(result, std::cout);
  if (arguments.given("out")) {
    std::ofstream file(arguments.value("out"));
    file << to_json(result).dump(2) << "\n";
    file.close();
    if (!file) fail_input("--out: cannot write " + arguments.value("out"));
  }
  return 0;
}

}  // namespace spillway::trainer
