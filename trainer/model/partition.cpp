#include "trainer/model/partition.hpp"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>

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

/// FLOPs first, which are time; among parts equal in that, parameters, which are memory.
using Size = std::pair<double, std::int64_t>;

Size size_of(const ModelConfig& model, const Slice& slice) {
  const ModelCost cost = model_cost(model, slice);
  return {cost.forward_flops_per_token, cost.parameters};
}

/// Layers are alike, so giving each to the part that stays smallest minimises the largest part.
std::vector<std::int64_t> balanced(const ModelConfig& model, std::int64_t slices) {
  std::vector<std::int64_t> counts(static_cast<std::size_t>(slices), 1);
  const auto size_with_one_more = [&](std::size_t part) {
    return size_of(model, {part == 0, 0, counts[part] + 1, part + 1 == counts.size()});
  };
  for (std::int64_t left = model.layers - slices; left > 0; --left) {
    std::size_t smallest = 0;
    for (std::size_t i = 1; i < counts.size(); ++i) {
      if (size_with_one_more(i) <= size_with_one_more(smallest)) smallest = i;
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
