#include "trainer/run_plan.hpp"

#include "compression/payload.hpp"
#include "configs/error.hpp"
#include "parallel/pipeline/schedules/registry.hpp"
#include "trainer/activation_bytes.hpp"
#include "trainer/peak_flops.hpp"
#include "trainer/precision/mode.hpp"

namespace spillway::trainer {
namespace {

/// Bytes of a number on the edges and in most activations.
int element_bytes(const config::Config& config) {
  return precision_mode(config.precision.mode) == PrecisionMode::fp32 ? 4 : 2;
}

std::int64_t tokens_of_microbatch(const config::Config& config, const Layout& layout) {
  return config.parallel.microbatch_size * layout.model.sequence_length;
}

double forward_flops(const config::Config& config, const Layout& layout, const Slice& slice) {
  return static_cast<double>(tokens_of_microbatch(config, layout)) *
         model_cost(layout.model, slice).forward_flops_per_token;
}

std::int64_t gradient_bytes(const config::ModelConfig& model, const Slice& slice) {
  std::int64_t bytes = 0;
  for (const ParameterSpec& spec : parameter_specs(model, slice)) bytes += 4 * spec.numel();
  return bytes;
}

/// Seconds of a FLOP; 0 where run.peak_flops is to be measured, which a plan does not.
double flop_seconds(const config::Config& config) {
  if (config.run.peak_flops == "measure") return 0;
  return 1 / peak_flops(config.run.peak_flops, at::kCPU, at::kFloat);
}

pipeline::Workload model_workload(const config::Config& config, const Layout& layout) {
  double mean = 0;
  for (const Slice& slice : layout.slices) mean += forward_flops(config, layout, slice);
  mean /= static_cast<double>(config.parallel.stages);
  const double flop = flop_seconds(config);
  const double milliseconds = flop > 0 ? 1e3 * flop : 1 / mean;
  const auto tokens = static_cast<double>(tokens_of_microbatch(config, layout));
  const auto width = static_cast<double>(element_bytes(config));
  pipeline::Workload workload{.edge_bytes =
                                  tokens * static_cast<double>(layout.model.hidden) * width};
  for (const Slice& slice : layout.slices) {
    const double forward = milliseconds * forward_flops(config, layout, slice);
    workload.costs.stages.push_back({forward, forward, forward, 2 * forward});
    workload.memory.push_back(
        {.activation_bytes = tokens * activation_bytes_per_token(layout.model, slice, width),
         .gradient_bytes = static_cast<double>(gradient_bytes(layout.model, slice))});
  }
  return workload;
}

RankPlan plan_rank(const RunPlan& plan, const Layout& layout, int rank) {
  RankPlan one{.stages = layout.stages_of(rank)};
  std::vector<compression::ParameterShape> exchanged;
  for (const int stage : one.stages) {
    const Slice& slice = layout.slices[static_cast<std::size_t>(stage)];
    const ModelCost cost = model_cost(layout.model, slice);
    one.layers += slice.layer_count;
    one.cost.parameters += cost.parameters;
    one.cost.forward_flops_per_token += cost.forward_flops_per_token;
    one.gradient_bytes += gradient_bytes(layout.model, slice);
    for (const ParameterSpec& spec : parameter_specs(layout.model, slice)) {
      if (!spec.tied_copy) exchanged.push_back({spec.name, spec.shape});
    }
  }
  one.exchanged_bytes =
      plan.grid.replicas > 1 ? compression::payload_bytes(plan.config.compression, exchanged) : 0;
  return one;
}

pipeline::ScheduleShape shape_of(const config::ParallelConfig& parallel,
                                 const pipeline::Schedule& compute) {
  const int ranks = static_cast<int>(parallel.stages);
  return {.ranks = ranks,
          .chunks = pipeline::count_stages(compute) / ranks,
          .microbatches = static_cast<int>(parallel.microbatches)};
}

void check(const PlanRequest& request, const pipeline::Schedule& compute) {
  if (request.placement) pipeline::check_placement(compute, *request.placement, "--placement");
}

RunPlan plan_costs(const PlanRequest& request, RunPlan plan) {
  const config::ParallelConfig& parallel = request.config.parallel;
  const pipeline::Schedule compute = pipeline::make_schedule(
      parallel.schedule, {.ranks = static_cast<int>(parallel.stages),
                          .chunks = static_cast<int>(parallel.chunks),
                          .microbatches = static_cast<int>(parallel.microbatches)});
  check(request, compute);
  const pipeline::ScheduleShape shape = shape_of(parallel, compute);
  pipeline::Workload workload{.costs = costs_of(*request.costs, shape)};
  workload.costs.sends = request.sends;
  workload.memory.assign(static_cast<std::size_t>(shape.stages()),
                         {.activation_bytes = 1.0 / shape.chunks});
  plan.prediction = pipeline::predict(parallel.schedule, shape, compute, workload);
  return plan;
}

RunPlan plan_model(const PlanRequest& request, RunPlan plan) {
  const config::Config& config = request.config;
  ModelPlan model{.layout = make_layout(config)};
  check(request, model.layout.compute);
  pipeline::Workload workload = model_workload(config, model.layout);
  workload.costs.sends = request.sends;
  plan.prediction =
      pipeline::predict(config.parallel.schedule, shape_of(config.parallel, model.layout.compute),
                        model.layout.compute, workload);
  for (int rank = 0; rank < plan.grid.stages; ++rank) {
    model.ranks.push_back(plan_rank(plan, model.layout, rank));
  }
  plan.model = std::move(model);
  return plan;
}

}  // namespace

std::string time_unit(const PlanRequest& request) {
  if (request.costs) return "units";
  return flop_seconds(request.config) > 0 ? "ms" : "forwards";
}

RunPlan plan_run(const PlanRequest& request) {
  RunPlan plan{.config = request.config,
               .grid = parallel::grid_shape(request.ranks, request.config.parallel.stages),
               .unit = time_unit(request)};
  return request.costs ? plan_costs(request, std::move(plan))
                       : plan_model(request, std::move(plan));
}

std::vector<pipeline::Contender> compare_schedules(const PlanRequest& request, double cap) {
  std::vector<pipeline::Candidate> candidates;
  for (const std::string& name : {std::string("gpipe"), std::string("1f1b")}) {
    PlanRequest one = request;
    one.config.parallel.schedule = name;
    candidates.push_back({name, [one] { return plan_run(one).prediction; }});
  }
  return pipeline::compare(candidates, cap);
}

}  // namespace spillway::trainer
