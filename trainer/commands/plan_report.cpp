#include "trainer/commands/plan_report.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "parallel/pipeline/grid.hpp"
#include "parallel/pipeline/number_text.hpp"
#include "trainer/commands/text_table.hpp"

namespace spillway::trainer {
namespace {

using pipeline::number_text;
using pipeline::Prediction;

constexpr int kGridColumns = 120;

std::string thousands(std::int64_t value) {
  const std::string digits = std::to_string(value);
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) text += ',';
    text += digits[i];
  }
  return text;
}

std::string fixed(double number, int digits) {
  std::array<char, 48> text{};
  std::snprintf(text.data(), text.size(), "%.*f", digits, number);
  return text.data();
}

std::string megabytes(double bytes) { return fixed(bytes / 1e6, 3) + " MB"; }

std::string stage_list(const std::vector<int>& stages) {
  std::string text;
  for (const int stage : stages) text += (text.empty() ? "" : ",") + std::to_string(stage);
  return text;
}

std::vector<int> stages_of(const Prediction& prediction, std::size_t rank) {
  const std::vector<int> owners = pipeline::rank_of_stage(prediction.compute);
  std::vector<int> stages;
  for (std::size_t stage = 0; stage < owners.size(); ++stage) {
    if (owners[stage] == static_cast<int>(rank)) stages.push_back(static_cast<int>(stage));
  }
  return stages;
}

std::string model_lines(const RunPlan& plan) {
  const config::ModelConfig& model = plan.model->layout.model;
  const config::ParallelConfig& parallel = plan.config.parallel;
  const std::int64_t sequences =
      parallel.microbatches * parallel.microbatch_size * plan.grid.replicas;
  return "model      " + model.family + ", " + std::to_string(model.layers) + " layers, hidden " +
         std::to_string(model.hidden) + ", " + std::to_string(model.heads) + " heads, context " +
         std::to_string(model.sequence_length) + ", vocabulary " +
         std::to_string(model.vocabulary) + ": " + thousands(model_cost(model).parameters) +
         " parameters\nlayout     " + std::to_string(plan.grid.stages * plan.grid.replicas) +
         " ranks = " + std::to_string(plan.grid.stages) + " stages x " +
         std::to_string(plan.grid.replicas) + " replicas; " +
         std::to_string(parallel.microbatches) + " micro-batches of " +
         std::to_string(parallel.microbatch_size) + " sequences per replica, " +
         thousands(sequences * model.sequence_length) + " tokens per step\n";
}

std::string layout_line(const RunPlan& plan) {
  const pipeline::ScheduleShape& shape = plan.prediction.shape;
  return "layout     " + std::to_string(shape.ranks) + " ranks x " + std::to_string(shape.chunks) +
         (shape.chunks == 1 ? " chunk, " : " chunks, ") + std::to_string(shape.microbatches) +
         " micro-batches; costs given by hand, no model\n";
}

std::string schedule_line(const RunPlan& plan) {
  const std::string recomputation = plan.config.parallel.recompute == "none"
                                        ? "\n"
                                        : "\nrecompute  " + to_string(plan.recompute) + "\n";
  std::string text = "schedule   " + plan.prediction.name;
  if (!plan.found) return text + recomputation;
  return text + ": " + plan.found->name + ", placement " +
         pipeline::to_string(plan.found->placement) + "; none there ends before " +
         number_text(plan.found->lower_bound) + recomputation;
}

std::string rank_table(const RunPlan& plan) {
  const pipeline::Simulation& simulation = plan.prediction.simulation;
  TextTable table({"stage rank", "stages", "idle " + plan.unit, "peak activations"});
  if (plan.model) {
    table.add_columns(
        {"peak", "layers", "parameters", "GFLOP/micro-batch", "gradients", "exchanged per step"});
  }
  for (std::size_t rank = 0; rank < simulation.ranks.size(); ++rank) {
    std::vector<std::string> row{std::to_string(rank), stage_list(stages_of(plan.prediction, rank)),
                                 fixed(simulation.usage[rank].idle_seconds, 3),
                                 fixed(plan.prediction.held_activations[rank], 2)};
    if (plan.model) {
      const RankPlan& one = plan.model->ranks[rank];
      const auto tokens = static_cast<double>(plan.config.parallel.microbatch_size *
                                              plan.model->layout.model.sequence_length);
      const std::vector<std::string> more{
          megabytes(plan.prediction.memory[rank].peak_bytes),
          std::to_string(one.layers),
          thousands(one.cost.parameters),
          fixed(3e-9 * tokens * one.cost.forward_flops_per_token, 3),
          megabytes(static_cast<double>(one.gradient_bytes)),
          megabytes(static_cast<double>(one.exchanged_bytes))};
      row.insert(row.end(), more.begin(), more.end());
    }
    table.add(row);
  }
  return table.text();
}

std::string totals(const RunPlan& plan) {
  const Prediction& prediction = plan.prediction;
  std::string text = "makespan   " + number_text(prediction.makespan()) + " " + plan.unit_in_words +
                     "\nbubble     " + fixed(100 * prediction.bubble(), 2) + " %\nedges      " +
                     std::to_string(prediction.messages) + " messages";
  if (plan.model) text += ", " + megabytes(prediction.wire_bytes);
  text += " between the ranks of a pipeline per step\n";
  if (plan.model) {
    text += "peak       activations, gradients and buffers of the edges, estimated\ngradients  " +
            plan.config.compression.method + ", between replicas as above\n";
  }
  return text;
}

void add_model(const RunPlan& plan, nlohmann::ordered_json& json) {
  json["parameters"] = model_cost(plan.model->layout.model).parameters;
  for (std::size_t rank = 0; rank < plan.model->ranks.size(); ++rank) {
    const RankPlan& one = plan.model->ranks[rank];
    json["peak_bytes"].push_back(plan.prediction.memory[rank].peak_bytes);
    json["stage_ranks"].push_back({{"stages", one.stages},
                                   {"layers", one.layers},
                                   {"parameters", one.cost.parameters},
                                   {"forward_flops_per_token", one.cost.forward_flops_per_token},
                                   {"gradient_bytes", one.gradient_bytes},
                                   {"exchanged_bytes", one.exchanged_bytes}});
  }
  json["edge_bytes"] = plan.prediction.wire_bytes;
}

}  // namespace

std::string plan_table(const RunPlan& plan) {
  return (plan.model ? model_lines(plan) : layout_line(plan)) + schedule_line(plan) + "\n" +
         pipeline::time_grid(plan.prediction.simulation, kGridColumns) + "\n" + rank_table(plan) +
         "\n" + totals(plan);
}

nlohmann::ordered_json plan_json(const RunPlan& plan) {
  const Prediction& prediction = plan.prediction;
  nlohmann::ordered_json json;
  json["schedule"] = prediction.name;
  json["ranks"] = plan.grid.stages * plan.grid.replicas;
  json["stages"] = plan.grid.stages;
  json["chunks"] = prediction.shape.chunks;
  json["replicas"] = plan.grid.replicas;
  json["microbatches"] = prediction.shape.microbatches;
  json["time_unit"] = plan.unit;
  json["makespan"] = prediction.makespan();
  json["bubble"] = prediction.bubble();
  for (const pipeline::Usage& usage : prediction.simulation.usage) {
    json["idle"].push_back(usage.idle_seconds);
  }
  json["peak_activations"] = prediction.held_activations;
  json["messages"] = prediction.messages;
  json["recompute"] = to_string(plan.recompute);
  if (plan.found) {
    json["origin"] = plan.found->name;
    json["placement"] = pipeline::to_string(plan.found->placement);
    json["lower_bound"] = plan.found->lower_bound;
  }
  if (plan.model) add_model(plan, json);
  for (const auto& actions : prediction.compute.ranks) {
    nlohmann::ordered_json row = nlohmann::ordered_json::array();
    for (const pipeline::Action& action : actions) row.push_back(pipeline::to_string(action));
    json["actions"].push_back(row);
  }
  return json;
}

namespace {

/// The columns of a contender between its name and its verdict.
std::vector<std::string> numbers_of(const pipeline::Contender& one, bool bytes) {
  if (!one.prediction) return std::vector<std::string>(bytes ? 6 : 5, "-");
  const Prediction& known = *one.prediction;
  std::vector<std::string> numbers{std::to_string(known.shape.chunks), fixed(known.makespan(), 3),
                                   fixed(100 * known.bubble(), 1) + " %",
                                   fixed(known.peak_activations(), 2)};
  if (bytes) numbers.push_back(megabytes(known.peak_bytes()));
  numbers.push_back(bytes ? megabytes(known.wire_bytes) : std::to_string(known.messages));
  return numbers;
}

}  // namespace

std::string comparison_table(const std::vector<pipeline::Contender>& contenders,
                             const std::string& unit) {
  const bool bytes = std::ranges::any_of(contenders, [](const pipeline::Contender& one) {
    return one.prediction && one.prediction->wire_bytes > 0;
  });
  const bool recomputes =
      std::ranges::any_of(contenders, [](const auto& one) { return !one.recompute.empty(); });
  TextTable table({"schedule"});
  if (recomputes) table.add_columns({"recompute"});
  table.add_columns({"chunks", "makespan " + unit, "bubble", "peak activations"});
  if (bytes) table.add_columns({"peak"});
  table.add_columns({bytes ? "on the wire" : "messages", "verdict"});
  table.align_left("schedule");
  table.align_left("verdict");
  for (const pipeline::Contender& one : contenders) {
    std::vector<std::string> row{one.name};
    if (recomputes) row.push_back(one.recompute);
    for (const std::string& number : numbers_of(one, bytes)) row.push_back(number);
    row.push_back(one.verdict);
    table.add(row);
  }
  return table.text();
}

nlohmann::ordered_json comparison_json(const std::vector<pipeline::Contender>& contenders) {
  nlohmann::ordered_json json;
  const bool any = !contenders.empty() && contenders.front().fits;
  json["picked"] = any ? nlohmann::ordered_json(contenders.front().name) : nullptr;
  json["schedules"] = nlohmann::ordered_json::array();
  for (const pipeline::Contender& one : contenders) {
    nlohmann::ordered_json row{{"schedule", one.name}, {"fits", one.fits}};
    if (!one.recompute.empty()) row["recompute"] = one.recompute;
    if (const auto& known = one.prediction) {
      row["chunks"] = known->shape.chunks;
      row["makespan"] = known->makespan();
      row["bubble"] = known->bubble();
      row["peak_activations"] = known->held_activations;
      row["messages"] = known->messages;
      if (known->wire_bytes > 0) {
        row["peak_bytes"] = known->peak_bytes();
        row["edge_bytes"] = known->wire_bytes;
      }
    }
    row["verdict"] = one.verdict;
    json["schedules"].push_back(row);
  }
  return json;
}

}  // namespace spillway::trainer
