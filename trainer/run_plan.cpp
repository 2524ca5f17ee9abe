#include "trainer/run_plan.hpp"

#include "compression/payload.hpp"
#include "parallel/pipeline/schedules/registry.hpp"
#include "trainer/plan_workload.hpp"

namespace spillway::trainer {
namespace {

pipeline::Schedule named_schedule(const config::ParallelConfig& parallel) {
  return pipeline::make_schedule(parallel.schedule,
                                 {.ranks = static_cast<int>(parallel.stages),
                                  .chunks = static_cast<int>(parallel.chunks),
                                  .microbatches = static_cast<int>(parallel.microbatches)});
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

}  // namespace

RunPlan plan_run(const PlanRequest& request) {
  const config::ParallelConfig& parallel = request.config.parallel;
  RunPlan plan{.config = request.config,
               .grid = parallel::grid_shape(request.ranks, parallel.stages),
               .unit = time_unit(request)};
  pipeline::Schedule compute = named_schedule(parallel);
  if (request.placement) pipeline::check_placement(compute, *request.placement, "--placement");
  const pipeline::ScheduleShape shape{.ranks = plan.grid.stages,
                                      .chunks = pipeline::count_stages(compute) / plan.grid.stages,
                                      .microbatches = static_cast<int>(parallel.microbatches)};
  plan.prediction = pipeline::predict(parallel.schedule, shape, std::move(compute),
                                      plan_workload(request, shape));
  if (request.costs) return plan;
  ModelPlan model{.layout = make_layout(request.config)};
  for (int rank = 0; rank < plan.grid.stages; ++rank) {
    model.ranks.push_back(plan_rank(plan, model.layout, rank));
  }
  plan.model = std::move(model);
  return plan;
}

}  // namespace spillway::trainer
