#include "trainer/plan_workload.hpp"

#include "data/tokens/byte_tokenizer.hpp"
#include "trainer/activation_bytes.hpp"
#include "trainer/model/partition.hpp"
#include "trainer/peak_flops.hpp"
#include "trainer/precision/mode.hpp"

namespace spillway::trainer {
namespace {

/// Seconds of a FLOP; 0 where run.peak_flops is to be measured, which a plan does not.
double flop_seconds(const config::Config& config) {
  if (config.run.peak_flops == "measure") return 0;
  return 1 / peak_flops(config.run.peak_flops, at::kCPU, at::kFloat);
}

pipeline::Workload workload_by_hand(const pipeline::CostList& costs,
                                    const pipeline::ScheduleShape& shape) {
  pipeline::Workload workload{.costs = costs_of(costs, shape)};
  workload.memory.assign(static_cast<std::size_t>(shape.stages()),
                         {.activation_bytes = 1.0 / shape.chunks});
  return workload;
}

pipeline::Workload workload_of_model(const config::Config& config,
                                     const pipeline::ScheduleShape& shape) {
  const config::ModelConfig model = resolve(config.model, data::kVocabulary);
  const auto slices = partition(model, shape.stages(), config.parallel.layers_per_stage);
  const auto tokens = static_cast<double>(config.parallel.microbatch_size * model.sequence_length);
  const bool wide = precision_mode(config.precision.mode) == PrecisionMode::fp32;
  const double element_bytes = wide ? 4 : 2;
  const double flop = flop_seconds(config);
  const Recompute recompute = recompute_mode(config.parallel.recompute);
  double mean = 0;
  for (const Slice& slice : slices) {
    mean += tokens * model_cost(model, slice).forward_flops_per_token / shape.ranks;
  }
  pipeline::Workload workload{.edge_bytes = edge_bytes(config)};
  for (const Slice& slice : slices) {
    const double flops = tokens * model_cost(model, slice).forward_flops_per_token;
    const double forward = flop > 0 ? 1e3 * flops * flop : flops / mean;
    const double again =
        recompute_flops_per_token(model, slice, recompute, config.parallel.recompute_layers) /
        model_cost(model, slice).forward_flops_per_token;
    workload.costs.stages.push_back({.forward = forward,
                                     .backward_input = forward,
                                     .backward_weight = forward,
                                     .backward = 2 * forward,
                                     .recompute = again * forward});
    workload.memory.push_back(
        {.activation_bytes = tokens * activation_bytes_per_token(model, slice, element_bytes),
         .kept_bytes = tokens * kept_bytes_per_token(model, slice, element_bytes, recompute,
                                                     config.parallel.recompute_layers),
         .gradient_bytes = static_cast<double>(gradient_bytes(model, slice))});
  }
  return workload;
}

}  // namespace

pipeline::Workload plan_workload(const PlanRequest& request, const pipeline::ScheduleShape& shape) {
  pipeline::Workload workload = request.costs ? workload_by_hand(*request.costs, shape)
                                              : workload_of_model(request.config, shape);
  workload.costs.sends = request.sends;
  return workload;
}

std::string time_unit(const PlanRequest& request) {
  if (request.costs) return "units";
  return flop_seconds(request.config) > 0 ? "ms" : "forwards";
}

double edge_bytes(const config::Config& config) {
  const auto width = c10::elementSize(edge_type(precision_mode(config.precision.mode)));
  return static_cast<double>(config.parallel.microbatch_size * config.model.sequence_length *
                             config.model.hidden) *
         static_cast<double>(width);
}

std::int64_t gradient_bytes(const config::ModelConfig& model, const Slice& slice) {
  std::int64_t bytes = 0;
  for (const ParameterSpec& spec : parameter_specs(model, slice)) bytes += 4 * spec.numel();
  return bytes;
}

}  // namespace spillway::trainer
