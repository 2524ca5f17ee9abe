#include "trainer/run_plan.hpp"

#include "compression/payload.hpp"
#include "trainer/peak_flops.hpp"
#include "trainer/precision/mode.hpp"

namespace spillway::trainer {
namespace {

double forward_flops(const RunPlan& plan, std::size_t stage) {
  const double tokens =
      static_cast<double>(plan.config.parallel.microbatch_size * plan.layout.model.sequence_length);
  return tokens * model_cost(plan.layout.model, plan.layout.slices[stage]).forward_flops_per_token;
}

/// Costs follow the FLOPs; a backward does twice the work of its forward, half of it for the input.
pipeline::Costs costs(const RunPlan& plan) {
  const std::size_t stages = plan.layout.slices.size();
  double mean = 0;
  for (std::size_t stage = 0; stage < stages; ++stage) mean += forward_flops(plan, stage);
  mean /= static_cast<double>(plan.grid.stages);
  pipeline::Costs all;
  for (std::size_t stage = 0; stage < stages; ++stage) {
    const double flops = forward_flops(plan, stage);
    const double forward = plan.unit_seconds > 0 ? 1e3 * flops * plan.unit_seconds : flops / mean;
    all.stages.push_back({forward, forward, forward, 2 * forward});
  }
  return all;
}

RankPlan plan_rank(const RunPlan& plan, int rank) {
  RankPlan one{
      .stages = plan.layout.stages_of(rank),
      .idle = plan.simulation.usage[static_cast<std::size_t>(rank)].idle_seconds,
      .peak_activations = plan.simulation.peak_activations[static_cast<std::size_t>(rank)]};
  std::vector<compression::ParameterShape> exchanged;
  for (const int stage : one.stages) {
    const Slice& slice = plan.layout.slices[static_cast<std::size_t>(stage)];
    const ModelCost cost = model_cost(plan.layout.model, slice);
    one.layers += slice.layer_count;
    one.cost.parameters += cost.parameters;
    one.cost.forward_flops_per_token += cost.forward_flops_per_token;
    for (const ParameterSpec& spec : parameter_specs(plan.layout.model, slice)) {
      one.gradient_bytes += 4 * spec.numel();
      if (!spec.tied_copy) exchanged.push_back({spec.name, spec.shape});
    }
  }
  one.exchanged_bytes =
      plan.grid.replicas > 1 ? compression::payload_bytes(plan.config.compression, exchanged) : 0;
  return one;
}

std::int64_t edge_bytes(const RunPlan& plan) {
  const config::ParallelConfig& parallel = plan.config.parallel;
  const bool wide = precision_mode(plan.config.precision.mode) == PrecisionMode::fp32;
  const std::int64_t one = parallel.microbatch_size * plan.layout.model.sequence_length *
                           plan.layout.model.hidden * (wide ? 4 : 2);
  std::int64_t messages = 0;
  for (const auto& actions : plan.layout.lowered.ranks) {
    for (const pipeline::Action& action : actions) messages += pipeline::is_send(action.op);
  }
  return messages * one;
}

}  // namespace

double RunPlan::bubble() const {
  double idle = 0;
  for (const RankPlan& rank : ranks) idle += rank.idle;
  return idle / (makespan() * static_cast<double>(ranks.size()));
}

RunPlan plan_run(const config::Config& config, int ranks) {
  RunPlan plan{.config = config,
               .layout = make_layout(config),
               .grid = parallel::grid_shape(ranks, config.parallel.stages)};
  if (config.run.peak_flops != "measure") {
    plan.unit_seconds = 1 / peak_flops(config.run.peak_flops, at::kCPU, at::kFloat);
  }
  plan.simulation = pipeline::simulate(plan.layout.lowered, costs(plan));
  for (int rank = 0; rank < plan.grid.stages; ++rank) plan.ranks.push_back(plan_rank(plan, rank));
  plan.edge_bytes = edge_bytes(plan);
  return plan;
}

}  // namespace spillway::trainer
