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

pipeline::ScheduleShape shape_of(const config::ParallelConfig& parallel,
                                 const std::vector<int>& rank_of_stage) {
  const int ranks = static_cast<int>(parallel.stages);
  return {.ranks = ranks,
          .chunks = static_cast<int>(rank_of_stage.size()) / ranks,
          .microbatches = static_cast<int>(parallel.microbatches)};
}

pipeline::Workload workload_by_hand(const pipeline::CostList& costs,
                                    const pipeline::ScheduleShape& shape) {
  pipeline::Workload workload{.costs = costs_of(costs, shape)};
  workload.memory.assign(static_cast<std::size_t>(shape.stages()),
                         {.activation_bytes = 1.0 / shape.chunks});
  return workload;
}

/// In milliseconds.
pipeline::Costs measured_costs(const PlanRequest& request, const std::vector<int>& rank_of_stage,
                               Recompute recompute) {
  pipeline::Costs costs =
      request.measured->costs(rank_of_stage, recompute, edge_bytes(request.config));
  for (pipeline::StageCosts& stage : costs.stages) {
    for (double* seconds : {&stage.forward, &stage.backward_input, &stage.backward_weight,
                            &stage.backward, &stage.recompute}) {
      *seconds *= 1e3;
    }
  }
  costs.hop_seconds *= 1e3;
  costs.bytes_per_second /= 1e3;
  return costs;
}

/// In time_unit().
pipeline::Costs costs_of_flops(const config::Config& config, const config::ModelConfig& model,
                               const std::vector<Slice>& slices, Recompute recompute) {
  const auto tokens = static_cast<double>(config.parallel.microbatch_size * model.sequence_length);
  const double flop = flop_seconds(config);
  double mean = 0;
  for (const Slice& slice : slices) {
    mean += tokens * model_cost(model, slice).forward_flops_per_token /
            static_cast<double>(config.parallel.stages);
  }
  pipeline::Costs costs;
  for (const Slice& slice : slices) {
    const double flops = tokens * model_cost(model, slice).forward_flops_per_token;
    const double forward = flop > 0 ? 1e3 * flops * flop : flops / mean;
    const double again =
        recompute_flops_per_token(model, slice, recompute, config.parallel.recompute_layers) /
        model_cost(model, slice).forward_flops_per_token;
    costs.stages.push_back({.forward = forward,
                            .backward_input = forward,
                            .backward_weight = forward,
                            .backward = 2 * forward,
                            .recompute = again * forward});
  }
  return costs;
}

std::vector<pipeline::StageMemory> memory_of_model(const config::Config& config,
                                                   const config::ModelConfig& model,
                                                   const std::vector<Slice>& slices,
                                                   Recompute recompute) {
  const auto tokens = static_cast<double>(config.parallel.microbatch_size * model.sequence_length);
  const bool wide = precision_mode(config.precision.mode) == PrecisionMode::fp32;
  const double element_bytes = wide ? 4 : 2;
  std::vector<pipeline::StageMemory> memory;
  memory.reserve(slices.size());
  for (const Slice& slice : slices) {
    memory.push_back(
        {.activation_bytes = tokens * activation_bytes_per_token(model, slice, element_bytes),
         .kept_bytes = tokens * kept_bytes_per_token(model, slice, element_bytes, recompute,
                                                     config.parallel.recompute_layers),
         .split_bytes = tokens * split_bytes_per_token(model, slice, element_bytes),
         .gradient_bytes = static_cast<double>(gradient_bytes(model, slice))});
  }
  return memory;
}

}  // namespace

pipeline::Workload plan_workload(const PlanRequest& request, const std::vector<int>& rank_of_stage,
                                 Recompute recompute) {
  const config::Config& config = request.config;
  const pipeline::ScheduleShape shape = shape_of(config.parallel, rank_of_stage);
  pipeline::Workload workload;
  if (request.costs) {
    workload = workload_by_hand(*request.costs, shape);
  } else {
    const config::ModelConfig model = resolve(config.model, data::kVocabulary);
    const auto slices = partition(model, shape.stages(), config.parallel.layers_per_stage);
    workload = {.costs = request.measured ? measured_costs(request, rank_of_stage, recompute)
                                          : costs_of_flops(config, model, slices, recompute),
                .memory = memory_of_model(config, model, slices, recompute),
                .edge_bytes = edge_bytes(config)};
  }
  workload.costs.sends = request.sends;
  return workload;
}

std::string time_unit(const PlanRequest& request) {
  if (request.costs) return "units";
  return request.measured || flop_seconds(request.config) > 0 ? "ms" : "forwards";
}

std::string time_unit_in_words(const PlanRequest& request) {
  const std::string unit = time_unit(request);
  if (request.measured) return unit + ", as measured";
  if (unit == "ms") return "ms at run.peak_flops";
  return unit == "units" ? unit : "forwards (of one micro-batch through the mean rank's layers)";
}

double edge_bytes(const config::Config& config) {
  const auto width = c10::elementSize(
      edge_type(config.parallel.edge_dtype, precision_mode(config.precision.mode)));
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
