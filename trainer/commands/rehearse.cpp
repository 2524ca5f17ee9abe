#include <charconv>
#include <cmath>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "configs/command_line.hpp"
#include "configs/error.hpp"
#include "parallel/comm/mpi_environment.hpp"
#include "parallel/pipeline/links.hpp"
#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/step_report.hpp"
#include "trainer/check_run.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/commands/cost_option.hpp"
#include "trainer/commands/text_table.hpp"
#include "trainer/observe/recorder.hpp"
#include "trainer/observe/run_facts.hpp"
#include "trainer/plan_workload.hpp"
#include "trainer/rehearsal.hpp"
#include "trainer/run_plan.hpp"

namespace spillway::trainer {
namespace {

const config::Usage& usage() {
  static const config::Usage kUsage{
      .command = "rehearse",
      .summary =
          "Runs a schedule and its messages with paced compute, under mpirun with parallel.stages "
          "x replicas ranks: every action waits its cost, tensors of the true size travel over "
          "MPI. "
          "Tries a cluster's links and a schedule without GPUs or model, and prints the measured "
          "makespan beside the predicted. With run.dir set, metrics and timelines go there, for "
          "the report.",
      .positionals = {"[CONFIG]"},
      .options =
          {{"costs", "F=1,I=1,W=1",
            "costs of a micro-batch by hand, as `plan` takes them; comm=0.5 predicts with that "
            "latency of a hop instead of the measured one. Or the calibration.json of a run folder "
            "(default: costs that follow the model's FLOPs)"},
           {"unit", "TIME", "what one unit of the costs takes: 500us, 10ms, 1s", "10ms"},
           {"edge-bytes", "N",
            "bytes of an activation between two stages (default: that of the model)"},
           {"steps", "N", "measured steps, after one of warm-up", "5"},
           {"format", "table|json", "how to print", "table"}},
      .settings = true,
      .example = "mpirun -np 4 spillway rehearse --parallel.stages=4 --costs F=1,I=1,W=1"};
  return kUsage;
}

/// "10ms" -> 0.01
double parse_seconds(const std::string& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string unit(end, text.data() + text.size());
  const double factor = unit == "us" ? 1e-6 : unit == "ms" ? 1e-3 : unit == "s" ? 1 : 0;
  if (error != std::errc() || factor == 0 || !(number > 0) || !std::isfinite(number)) {
    fail_input("--unit \"" + text + "\" is not a time; write e.g. 500us, 10ms, 1s");
  }
  return number * factor;
}

std::int64_t at_least(const config::Arguments& arguments, const std::string& name,
                      std::int64_t least) {
  const std::int64_t value = arguments.integer(name);
  if (value < least) {
    fail_input("--" + name + " = " + std::to_string(value) + "; valid: at least " +
               std::to_string(least));
  }
  return value;
}

/// What is rehearsed, known before the ranks meet.
struct Request {
  config::Config config = {};
  PlanRequest wanted = {};
  double unit = 0;  ///< seconds of one of the plan's units
  RunPlan plan = {};
  pipeline::Costs costs = {};  ///< seconds; messages still free
  std::optional<double> hop_seconds = {};
  std::int64_t steps = 0;
  bool json = false;
};

/// The schedule, and what its stages cost.
void plan_schedule(Request& request) {
  request.plan = plan_run(request.wanted);
  const pipeline::Prediction& prediction = request.plan.prediction;
  check_memory(prediction, request.wanted.memory_cap);
  const std::vector<int> placement = pipeline::rank_of_stage(prediction.compute);
  request.costs.stages.clear();
  for (std::size_t stage = 0; stage < placement.size(); ++stage) {
    const auto rank = static_cast<std::size_t>(placement[stage]);
    const pipeline::StageCosts one =
        pipeline::median_costs(prediction.simulation.ranks[rank], static_cast<int>(stage));
    request.costs.stages.push_back({.forward = request.unit * one.forward,
                                    .backward_input = request.unit * one.backward_input,
                                    .backward_weight = request.unit * one.backward_weight,
                                    .backward = request.unit * one.backward,
                                    .recompute = request.unit * one.recompute});
  }
}

Request read_request(const config::Arguments& arguments) {
  Request request{.wanted = {.ranks = comm::launch_info().size}};
  PlanRequest& wanted = request.wanted;
  read_config_and_costs(arguments, wanted);
  wanted.memory_cap = memory_cap(wanted.config.parallel);
  if (wanted.measured && arguments.given("unit")) {
    fail_input("--unit with measured costs, which are seconds; valid: with costs by hand, or none");
  }
  request.unit = wanted.measured ? 1e-3 : parse_seconds(arguments.value("unit"));
  plan_schedule(request);
  request.config = wanted.config;
  // CPU tensors over MPI, whatever a training run of this configuration would use.
  request.config.parallel.backend = "mpi";
  request.config.run.device = "cpu";
  request.costs.edge_bytes = arguments.given("edge-bytes")
                                 ? static_cast<double>(at_least(arguments, "edge-bytes", 1))
                                 : edge_bytes(request.config);
  if (wanted.costs && wanted.costs->comm > 0)
    request.hop_seconds = request.unit * wanted.costs->comm;
  request.steps = at_least(arguments, "steps", 1);
  request.json = arguments.choice("format", "table | json") == "json";
  return request;
}

/// Searches again, with what a message takes on the links that are there.
void search_for_links(Request& request, const pipeline::Link& link) {
  const bool searched = request.config.parallel.schedule == "auto";
  if (!searched || !request.wanted.costs || request.hop_seconds) return;
  request.wanted.costs->comm = (link.hop_seconds + link.transfer_seconds) / request.unit;
  plan_schedule(request);
}

void announce(const Request& request, Ranks& ranks, const std::vector<std::string>& words) {
  std::vector<std::string> command_line{"spillway", "rehearse"};
  command_line.insert(command_line.end(), words.begin(), words.end());
  record_start(request.config.run.dir, *ranks.control,
               {.command_line = command_line,
                .config_toml = config::to_toml(request.config),
                .more = {{"stages", ranks.grid.stages()},
                         {"replicas", ranks.grid.replicas()},
                         {"edge_bytes", request.costs.edge_bytes}}});
}

std::vector<RehearsedStep> run_steps(const Request& request, Rehearsal& rehearsal,
                                     Recorder* recorder, bool recorded) {
  std::vector<RehearsedStep> steps;
  rehearsal.step();  // the first messages of an edge set up its connection
  for (std::int64_t number = 1; number <= request.steps; ++number) {
    steps.push_back(rehearsal.step());
    if (recorder) recorder->step(rehearsal.metrics(number, steps.back()));
  }
  if (!recorded) return steps;
  const std::vector<Span> spans = rehearsal.spans(steps.back());
  if (recorder) recorder->trace(request.steps, spans);
  return steps;
}

std::string milliseconds(double seconds) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", 1e3 * seconds);
  return text;
}

std::string decimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

void print_table(const Request& request, const pipeline::Link& link,
                 const RehearsalSummary& summary) {
  TextTable table({"stage rank", "idle ms", "predicted idle ms", "peak activations"});
  for (std::size_t rank = 0; rank < summary.idle.size(); ++rank) {
    table.add({std::to_string(rank), milliseconds(summary.idle[rank]),
               milliseconds(summary.predicted_idle[rank]),
               decimal(summary.peak_activations[rank])});
  }
  std::cout << "schedule   " << request.config.parallel.schedule << ", "
            << request.config.parallel.microbatches << " micro-batches on "
            << request.plan.grid.stages << " stages x " << request.plan.grid.replicas
            << " replicas\n"
            << "link       " << milliseconds(link.hop_seconds) << " ms a hop, "
            << milliseconds(link.transfer_seconds) << " ms more for an edge of "
            << request.costs.edge_bytes << " bytes\n\n"
            << table.text() << "\nmakespan   " << milliseconds(summary.makespan)
            << " ms, median of " << summary.makespans.size() << " steps\npredicted  "
            << milliseconds(summary.predicted) << " ms\nerror      "
            << decimal(100 * summary.error()) << " %\n";
}

nlohmann::ordered_json to_json(const Request& request, const pipeline::Link& link,
                               const RehearsalSummary& summary) {
  return {{"schedule", request.config.parallel.schedule},
          {"stages", request.plan.grid.stages},
          {"replicas", request.plan.grid.replicas},
          {"microbatches", request.config.parallel.microbatches},
          {"edge_bytes", request.costs.edge_bytes},
          {"hop_seconds", link.hop_seconds},
          {"transfer_seconds", link.transfer_seconds},
          {"makespan", summary.makespan},
          {"predicted_makespan", summary.predicted},
          {"relative_error", summary.error()},
          {"makespans", summary.makespans},
          {"idle", summary.idle},
          {"predicted_idle", summary.predicted_idle},
          {"peak_activations", summary.peak_activations}};
}

void rehearse(Request request, const std::vector<std::string>& words) {
  Ranks ranks(request.config);
  const bool recorded = !request.config.run.dir.empty();
  const bool leads = ranks.control->rank() == 0;
  std::optional<Recorder> recorder;
  if (recorded) {
    check_run_folder(request.config.run.dir, *ranks.control);
    ranks.open_log(request.config.run.dir);
    announce(request, ranks, words);
    if (leads) {
      recorder.emplace(
          RecorderOptions{.run_dir = request.config.run.dir, .total_steps = request.steps},
          request.json ? std::cerr : std::cout);
    }
  }
  ranks.log.works("measuring the links");
  const auto bytes = static_cast<std::int64_t>(request.costs.edge_bytes);
  const pipeline::Link link = pipeline::measure_link(ranks.grid, bytes, ranks.device);
  search_for_links(request, link);
  request.costs.hop_seconds = request.hop_seconds.value_or(link.hop_seconds);
  if (link.transfer_seconds > 0) {
    request.costs.bytes_per_second = request.costs.edge_bytes / link.transfer_seconds;
  }
  const pipeline::Schedule lowered =
      pipeline::lower(request.plan.prediction.compute, request.costs);
  Rehearsal rehearsal(ranks, lowered, request.costs);
  const std::vector<RehearsedStep> steps =
      run_steps(request, rehearsal, recorder ? &*recorder : nullptr, recorded);
  if (!leads) return;
  const RehearsalSummary summary = summarize(steps, rehearsal.predicted());
  if (request.json) {
    std::cout << to_json(request, link, summary).dump(2) << "\n";
  } else {
    print_table(request, link, summary);
  }
}

}  // namespace

int run_rehearse(const std::vector<std::string>& words) {
  const config::Arguments arguments = config::parse(usage(), words);
  if (arguments.help()) {
    std::cout << config::help_text(usage());
    return 0;
  }
  Request request = read_request(arguments);
  const comm::MpiEnvironment environment;
  rehearse(std::move(request), words);
  return 0;
}

}  // namespace spillway::trainer
