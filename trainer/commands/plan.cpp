#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

#include "configs/command_line.hpp"
#include "configs/error.hpp"
#include "parallel/pipeline/chrome_trace.hpp"
#include "parallel/pipeline/csv.hpp"
#include "parallel/pipeline/timeline_svg.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/commands/cost_option.hpp"
#include "trainer/commands/plan_report.hpp"
#include "trainer/compare_plans.hpp"
#include "trainer/plan_workload.hpp"

namespace spillway::trainer {
namespace {

const config::Usage& usage() {
  static const config::Usage kUsage{
      .command = "plan",
      .summary =
          "Predicts a run without running it: layers, parameters and bytes per rank, the schedule "
          "as a grid, makespan, bubble, peak memory. With --costs any schedule is simulated "
          "without a model; --parallel.schedule=auto searches for the best one. Needs neither MPI "
          "nor a device.",
      .positionals = {"[CONFIG]"},
      .options =
          {{"ranks", "N", "ranks in all (default: parallel.stages)"},
           {"costs", "F=1,I=1,W=1",
            "costs of a micro-batch by hand, instead of a model: numbers for a rank's whole share "
            "of the layers, or lists of one entry a stage (\"F=1;2,I=1;2,W=1;2\"); comm=0.5 adds "
            "the latency of a hop. Or a file: the calibration.json of a run folder, the costs that "
            "`train` measured on its ranks"},
           {"sends", "rendezvous|eager", "a message leaves once its receive is posted, or at once",
            "rendezvous"},
           {"placement", "linear|loop|v",
            "how the stages must lie on the ranks; auto: searches there only"},
           {"memory-cap", "N",
            "the most activations on a rank, in micro-batches of its whole share; auto: searches "
            "below it; other schedules: exit code 1 above it"},
           {"compare", "", "all schedules side by side, best first, and why the others lose"},
           {"format", "table|json", "how to print", "table"},
           {"csv", "FILE",
            "write the schedule as CSV (torch.distributed.pipelining, compute only)"},
           {"trace", "FILE", "write the predicted step as a Chrome trace (Perfetto)"},
           {"svg", "FILE", "draw the predicted step, ranks over time"}},
      .settings = true,
      .example = "spillway plan configs/presets/gpt2-124m.toml --ranks 8"};
  return kUsage;
}

int count_ranks(const config::Arguments& arguments, const config::Config& config) {
  const std::int64_t ranks =
      arguments.given("ranks") ? arguments.integer("ranks") : config.parallel.stages;
  if (ranks < 1 || ranks > 1000000) {
    fail_input("--ranks = " + std::to_string(ranks) + " is out of range; valid: 1 to 1000000");
  }
  return static_cast<int>(ranks);
}

pipeline::Sends sends(const config::Arguments& arguments) {
  const bool eager = arguments.choice("sends", "rendezvous | eager") == "eager";
  return eager ? pipeline::Sends::eager : pipeline::Sends::rendezvous;
}

/// In activations; without the option that of the configuration.
double cap_of(const config::Arguments& arguments, const config::ParallelConfig& parallel) {
  if (!arguments.given("memory-cap")) return memory_cap(parallel);
  const double cap = arguments.number("memory-cap");
  if (!(cap > 0)) {
    fail_input("--memory-cap = " + arguments.value("memory-cap") +
               "; valid: a number above 0, in micro-batches on a rank's whole share");
  }
  return cap;
}

PlanRequest read_request(const config::Arguments& arguments) {
  PlanRequest request;
  read_config_and_costs(arguments, request);
  request.ranks = count_ranks(arguments, request.config);
  request.sends = sends(arguments);
  if (arguments.given("placement")) {
    request.placement = pipeline::parse_placement("--placement", arguments.value("placement"));
  }
  request.memory_cap = cap_of(arguments, request.config.parallel);
  return request;
}

void write_file(const config::Arguments& arguments, const std::string& option,
                const std::string& text) {
  std::ofstream file(arguments.value(option));
  file << text;
  file.close();
  if (!file) fail_input("--" + option + ": cannot write " + arguments.value(option));
}

void write_files(const config::Arguments& arguments, const pipeline::Prediction& prediction,
                 const std::string& unit) {
  if (arguments.given("csv")) write_file(arguments, "csv", to_csv(prediction.compute));
  if (arguments.given("trace")) write_file(arguments, "trace", chrome_trace(prediction));
  if (arguments.given("svg")) write_file(arguments, "svg", timeline_svg(prediction, unit));
}

int plan_one(const config::Arguments& arguments, const PlanRequest& request) {
  const RunPlan plan = plan_run(request);
  write_files(arguments, plan.prediction, plan.unit);
  const bool json = arguments.value("format") == "json";
  std::cout << (json ? plan_json(plan).dump(2) + "\n" : plan_table(plan));
  check_memory(plan.prediction, request.memory_cap);
  return 0;
}

int compare_all(const config::Arguments& arguments, const PlanRequest& request) {
  const auto contenders = compare_plans(request);
  const bool json = arguments.value("format") == "json";
  const std::string unit = time_unit(request);
  std::cout << (json ? comparison_json(contenders).dump(2) + "\n"
                     : comparison_table(contenders, unit));
  const bool any = contenders.front().fits;
  if (!any)
    throw Error(ErrorKind::check, "no schedule can be picked; the first, " +
                                      contenders.front().name + ", " + contenders.front().verdict);
  write_files(arguments, *contenders.front().prediction, unit);
  return 0;
}

}  // namespace

int run_plan(const std::vector<std::string>& words) {
  const config::Arguments arguments = config::parse(usage(), words);
  if (arguments.help()) {
    std::cout << config::help_text(usage());
    return 0;
  }
  const std::string& format = arguments.choice("format", "table | json");
  const PlanRequest request = read_request(arguments);
  try {
    return arguments.flag("compare") ? compare_all(arguments, request)
                                     : plan_one(arguments, request);
  } catch (const Error& error) {
    // The error itself is one line on stderr; what follows it is the grid with the spot marked.
    const std::string text = error.what();
    const std::size_t line = text.find('\n');
    if (line != std::string::npos && format == "table") std::cout << text.substr(line + 1);
    throw;
  }
}

}  // namespace spillway::trainer
