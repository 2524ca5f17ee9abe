#include "trainer/run_plan.hpp"

#include <algorithm>

#include "compression/payload.hpp"
#include "configs/compression_rules.hpp"
#include "trainer/plan_workload.hpp"

namespace spillway::trainer {
namespace {

/// In a step in the midst of the run: the mean of two, since acp takes turns.
std::int64_t exchanged_bytes(const RunPlan& plan, const Layout& layout, const Slice& slice) {
  const config::CompressionConfig& compression = plan.config.compression;
  std::vector<compression::ParameterShape> exchanged;
  std::int64_t start = 0;
  for (const ParameterSpec& spec : parameter_specs(layout.model, slice)) {
    if (spec.tied_copy) continue;
    exchanged.push_back({spec.name, spec.shape});
    start = std::max(start, config::method_of(compression, spec.name).start_step + 1);
  }
  std::int64_t bytes = 0;
  for (const auto& bucket : compression::make_buckets(exchanged, compression.bucket_mib)) {
    for (const std::int64_t step : {start, start + 1})
      bytes += compression::payload_of(compression, bucket, plan.grid.replicas, step).sent();
  }
  return bytes / 2;
}

RankPlan plan_rank(const RunPlan& plan, const Layout& layout, int rank) {
  RankPlan one{.stages = layout.stages_of(rank)};
  for (const int stage : one.stages) {
    const Slice& slice = layout.slices[static_cast<std::size_t>(stage)];
    const ModelCost cost = model_cost(layout.model, slice);
    one.layers += slice.layer_count;
    one.cost.parameters += cost.parameters;
    one.cost.forward_flops_per_token += cost.forward_flops_per_token;
    one.gradient_bytes += gradient_bytes(layout.model, slice);
    if (plan.grid.replicas > 1) one.exchanged_bytes += exchanged_bytes(plan, layout, slice);
  }
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
