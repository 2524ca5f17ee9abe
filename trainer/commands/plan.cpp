#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "configs/command_line.hpp"
#include "configs/error.hpp"
#include "parallel/pipeline/csv.hpp"
#include "parallel/pipeline/grid.hpp"
#include "trainer/commands/command.hpp"
#include "trainer/run_plan.hpp"

namespace spillway::trainer {
namespace {

std::string thousands(std::int64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string megabytes(std::int64_t bytes) {
  std::ostringstream text;
  text << std::fixed;
  text.precision(3);
  text << static_cast<double>(bytes) / 1e6 << " MB";
  return text.str();
}

std::string stage_list(const std::vector<int>& stages) {
  std::string text;
  for (const int stage : stages) text += (text.empty() ? "" : ",") + std::to_string(stage);
  return text;
}

void print_ranks(const RunPlan& plan, std::ostream& out) {
  out << "stage rank | stages | layers |   parameters | GFLOP/micro-batch | idle " << plan.unit()
      << " | peak activations | gradients | exchanged per step\n";
  const double tokens =
      static_cast<double>(plan.config.parallel.microbatch_size * plan.layout.model.sequence_length);
  for (std::size_t rank = 0; rank < plan.ranks.size(); ++rank) {
    const RankPlan& one = plan.ranks[rank];
    char line[256];
    std::snprintf(
        line, sizeof line, "%10zu | %6s | %6lld | %12s | %17.3f | %*.3f | %16.2f | %9s | %s\n",
        rank, stage_list(one.stages).c_str(), static_cast<long long>(one.layers),
        thousands(one.cost.parameters).c_str(), 3e-9 * tokens * one.cost.forward_flops_per_token,
        static_cast<int>(plan.unit().size() + 5), one.idle, one.peak_activations,
        megabytes(one.gradient_bytes).c_str(), megabytes(one.exchanged_bytes).c_str());
    out << line;
  }
}

void print_table(const RunPlan& plan, std::ostream& out) {
  const config::ModelConfig& model = plan.layout.model;
  const config::ParallelConfig& parallel = plan.config.parallel;
  const std::int64_t sequences =
      parallel.microbatches * parallel.microbatch_size * plan.grid.replicas;
  out << "model      " << model.family << ", " << model.layers << " layers, hidden " << model.hidden
      << ", " << model.heads << " heads, context " << model.sequence_length << ", vocabulary "
      << model.vocabulary << ": " << thousands(model_cost(model).parameters) << " parameters\n"
      << "layout     " << plan.grid.stages * plan.grid.replicas << " ranks = " << plan.grid.stages
      << " stages x " << plan.grid.replicas << " replicas; " << parallel.microbatches
      << " micro-batches of " << parallel.microbatch_size << " sequences per replica, "
      << thousands(sequences * model.sequence_length) << " tokens per step\n"
      << "schedule   " << parallel.schedule << "\n\n"
      << pipeline::time_grid(plan.simulation, 120) << "\n";
  print_ranks(plan, out);
  out << "\nmakespan   " << plan.makespan() << " " << plan.unit()
      << (plan.unit_seconds > 0 ? " at run.peak_flops"
                                : " (of one micro-batch through the mean rank's layers)")
      << "\n"
      << "bubble     " << 100 * plan.bubble() << " %\n"
      << "edges      " << megabytes(plan.edge_bytes)
      << " between the stages of a replica per step\n"
      << "gradients  " << plan.config.compression.method << ", between replicas as above\n";
}

nlohmann::ordered_json to_json(const RunPlan& plan) {
  nlohmann::ordered_json json;
  json["schedule"] = plan.config.parallel.schedule;
  json["ranks"] = plan.grid.stages * plan.grid.replicas;
  json["stages"] = plan.grid.stages;
  json["replicas"] = plan.grid.replicas;
  json["microbatches"] = plan.config.parallel.microbatches;
  json["parameters"] = model_cost(plan.layout.model).parameters;
  json["time_unit"] = plan.unit();
  json["makespan"] = plan.makespan();
  json["bubble"] = plan.bubble();
  json["edge_bytes"] = plan.edge_bytes;
  for (const RankPlan& one : plan.ranks) {
    json["idle"].push_back(one.idle);
    json["peak_activations"].push_back(one.peak_activations);
    json["stage_ranks"].push_back({{"stages", one.stages},
                                   {"layers", one.layers},
                                   {"parameters", one.cost.parameters},
                                   {"forward_flops_per_token", one.cost.forward_flops_per_token},
                                   {"gradient_bytes", one.gradient_bytes},
                                   {"exchanged_bytes", one.exchanged_bytes}});
  }
  for (const auto& actions : plan.layout.compute.ranks) {
    nlohmann::ordered_json row = nlohmann::ordered_json::array();
    for (const pipeline::Action& action : actions) row.push_back(pipeline::to_string(action));
    json["actions"].push_back(row);
  }
  return json;
}

void write_csv(const RunPlan& plan, const std::string& path) {
  std::ofstream file(path);
  file << pipeline::to_csv(plan.layout.compute);
  file.close();
  if (!file) fail_input("--csv: cannot write " + path);
}

}  // namespace

int run_plan(const std::vector<std::string>& words) {
  const config::Usage usage{
      .command = "plan",
      .summary =
          "Predicts a run without running it: layers, parameters and bytes per rank, the schedule "
          "as a grid, makespan, bubble, peak "
          "activations. Needs neither MPI nor a device.",
      .positionals = {"[CONFIG]"},
      .options = {{"ranks", "N", "ranks in all (default: parallel.stages)"},
                  {"format", "table|json", "how to print", "table"},
                  {"csv", "FILE",
                   "write the schedule as CSV (torch.distributed.pipelining, compute only)"}},
      .settings = true,
      .example = "spillway plan configs/presets/gpt2-124m.toml --ranks 8"};
  const config::Arguments arguments = config::parse(usage, words);
  if (arguments.help()) {
    std::cout << config::help_text(usage);
    return 0;
  }
  const config::Config config = config::load(arguments);
  const std::int64_t ranks =
      arguments.given("ranks") ? arguments.integer("ranks") : config.parallel.stages;
  const std::string& format = arguments.value("format");
  if (format != "table" && format != "json") fail_choice("--format", format, "table | json");
  if (ranks < 1 || ranks > 1000000)
    fail_input("--ranks = " + std::to_string(ranks) + " is out of range; valid: 1 to 1000000");
  const RunPlan plan = plan_run(config, static_cast<int>(ranks));
  if (arguments.given("csv")) write_csv(plan, arguments.value("csv"));
  if (format == "json")
    std::cout << to_json(plan).dump(2) << "\n";
  else
    print_table(plan, std::cout);
  return 0;
}

}  // namespace spillway::trainer
