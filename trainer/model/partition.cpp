#include "trainer/model/partition.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "configs/error.hpp"

namespace spillway::trainer {
namespace {

using config::ModelConfig;

std::vector<std::int64_t> checked(const ModelConfig& model, std::int64_t slices,
                                  const std::vector<std::int64_t>& counts) {
  const std::int64_t sum = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  const bool positive = std::ranges::all_of(counts, [](std::int64_t count) { return count >= 1; });
  if (static_cast<std::int64_t>(counts.size()) != slices || sum != model.layers || !positive) {
    std::string given;
    for (const std::int64_t count : counts)
      given += (given.empty() ? "" : ", ") + std::to_string(count);
    fail_input("parallel.layers_per_stage = [" + given + "]; valid: " + std::to_string(slices) +
               " numbers, each at least 1, with sum " + std::to_string(model.layers) +
               " (model.layers)");
  }
  return counts;
}

/// Share of the whole model's FLOPs plus share of its parameters.
double share(const ModelCost& part, const ModelCost& whole) {
  return part.forward_flops_per_token / whole.forward_flops_per_token +
         static_cast<double>(part.parameters) / static_cast<double>(whole.parameters);
}

/// Layers are alike, so giving each to the part that stays smallest minimises the largest part.
std::vector<std::int64_t> balanced(const ModelConfig& model, std::int64_t slices) {
  const ModelCost whole = model_cost(model);
  const double layer = share(model_cost(model, {false, 0, 1, false}), whole);
  std::vector<double> fixed(static_cast<std::size_t>(slices), 0.0);
  fixed.front() += share(model_cost(model, {true, 0, 0, false}), whole);
  fixed.back() += share(model_cost(model, {false, 0, 0, true}), whole);
  std::vector<std::int64_t> counts(fixed.size(), 1);
  for (std::int64_t left = model.layers - slices; left > 0; --left) {
    std::size_t smallest = 0;
    for (std::size_t i = 1; i < counts.size(); ++i) {
      const auto size = [&](std::size_t part) {
        return fixed[part] + static_cast<double>(counts[part]) * layer;
      };
      if (size(i) <= size(smallest)) smallest = i;
    }
    ++counts[smallest];
  }
  return counts;
}

}  // namespace

std::vector<Slice> partition(const ModelConfig& model, std::int64_t slices,
                             const std::vector<std::int64_t>& layers_per_slice) {
  if (slices < 1 || slices > model.layers) {
    fail_input("parallel.stages x parallel.chunks = " + std::to_string(slices) + "; valid: 1 to " +
               std::to_string(model.layers) + " (model.layers)");
  }
  const auto counts =
      layers_per_slice.empty() ? balanced(model, slices) : checked(model, slices, layers_per_slice);
  std::vector<Slice> parts;
  std::int64_t first = 0;
  for (const std::int64_t count : counts) {
    parts.push_back(
        {.has_embedding = false, .first_layer = first, .layer_count = count, .has_head = false});
    first += count;
  }
  parts.front().has_embedding = true;
  parts.back().has_head = true;
  return parts;
}

}  // namespace spillway::trainer
