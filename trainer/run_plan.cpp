#include "trainer/run_plan.hpp"

#include "compression/payload.hpp"
#include "trainer/plan_workload.hpp"

namespace spillway::trainer {
namespace {

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
  RunPlan plan{.config = request.config,
               .grid = parallel::grid_shape(request.ranks, request.config.parallel.stages),
               .unit = time_unit(request),
               .unit_in_words = time_unit_in_words(request)};
  const ChosenPlan chosen = choose_plan(request);
  plan.prediction = chosen.prediction;
  plan.recompute = chosen.recompute;
  plan.found = chosen.found;
  if (request.costs) return plan;
  ModelPlan model{.layout = make_layout(request.config, chosen)};
  for (int rank = 0; rank < plan.grid.stages; ++rank) {
    model.ranks.push_back(plan_rank(plan, model.layout, rank));
  }
  plan.model = std::move(model);
  return plan;
}

}  // namespace spillway::trainer
