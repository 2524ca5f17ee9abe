#include "configs/schema.hpp"

#include <numeric>

#include "configs/error.hpp"

namespace spillway::config {
namespace {

std::string number(std::int64_t value) { return std::to_string(value); }

void validate(const ModelConfig& model) {
  if (model.hidden % model.heads != 0) {
    fail_input("model.hidden = " + number(model.hidden) +
               " is not a multiple of model.heads = " + number(model.heads));
  }
  if (model.kv_heads > 0 && model.heads % model.kv_heads != 0) {
    fail_input("model.heads = " + number(model.heads) +
               " is not a multiple of model.kv_heads = " + number(model.kv_heads));
  }
  if (model.family == "gpt2" && model.kv_heads > 0 && model.kv_heads != model.heads) {
    fail_input("model.kv_heads = " + number(model.kv_heads) +
               ": gpt2 has no grouped-query attention; valid: 0 or " + number(model.heads) +
               " (model.heads)");
  }
  if (model.family == "llama" && (model.hidden / model.heads) % 2 != 0) {
    fail_input("model.hidden / model.heads = " + number(model.hidden / model.heads) +
               " is odd; rotary positions need an even head size");
  }
}

void validate(const ParallelConfig& parallel, std::int64_t layers) {
  const std::int64_t slices = parallel.stages * parallel.chunks;
  if (layers < slices) {
    fail_input("model.layers = " + number(layers) +
               " is fewer than parallel.stages x parallel.chunks = " + number(parallel.stages) +
               " x " + number(parallel.chunks) + " = " + number(slices));
  }
  const auto& by_hand = parallel.layers_per_stage;
  if (by_hand.empty()) return;
  const std::int64_t sum = std::accumulate(by_hand.begin(), by_hand.end(), std::int64_t{0});
  if (static_cast<std::int64_t>(by_hand.size()) != slices || sum != layers) {
    fail_input("parallel.layers_per_stage has " +
               number(static_cast<std::int64_t>(by_hand.size())) + " entries with sum " +
               number(sum) + "; valid: " + number(slices) +
               " entries (parallel.stages x parallel.chunks) with sum " + number(layers) +
               " (model.layers)");
  }
}

}  // namespace

void validate(const Config& config) {
  validate(config.model);
  validate(config.parallel, config.model.layers);
  if (config.parallel.reproducible && config.compression.method != "none") {
    fail_input("compression.method = \"" + config.compression.method +
               "\" with parallel.reproducible; valid: none (what is compressed depends on how the "
               "batch is spread over replicas)");
  }
}

}  // namespace spillway::config
