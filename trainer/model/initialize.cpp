// How a new model starts. Draws come from a counter-based stream per parameter name.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <numbers>

#include "data/mutate/random_key.hpp"
#include "trainer/model/parameter_store.hpp"

namespace spillway::trainer {
namespace {

/// FNV-1a, 64 bits.
std::uint64_t hash(const std::string& text) {
  std::uint64_t value = 0xcbf29ce484222325ULL;
  for (const char c : text) value = (value ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return value;
}

/// Box-Muller: two normal numbers from two uniform ones.
void fill_normal(float* out, std::int64_t count, double deviation, data::RandomKey key) {
  for (std::int64_t i = 0; i < count; i += 2) {
    const double radius = deviation * std::sqrt(-2.0 * std::log(1.0 - key.uniform()));
    const double angle = 2.0 * std::numbers::pi * key.uniform();
    out[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < count) out[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
}

}  // namespace

void initialize(const at::Tensor& weight, const ParameterSpec& spec,
                const config::ModelConfig& model, std::uint64_t seed) {
  const at::NoGradGuard no_grad;
  if (spec.start != Start::normal) {
    weight.fill_(spec.start == Start::ones ? 1.0 : 0.0);
    return;
  }
  at::Tensor values = at::zeros(spec.shape, at::kFloat);
  const bool vocabulary_rows = spec.name == kTokenEmbedding || spec.name == "head.weight";
  const std::int64_t count = vocabulary_rows ? model.vocabulary * model.hidden : spec.numel();
  fill_normal(values.data_ptr<float>(), count, spec.deviation,
              data::RandomKey(seed).split(hash(spec.name)));
  weight.copy_(values);
}

void initialize(const ParameterStore& store, const config::ModelConfig& model, std::uint64_t seed) {
  for (const Parameter& parameter : store.parameters())
    initialize(parameter.weight, parameter.spec, model, seed);
}

}  // namespace spillway::trainer
