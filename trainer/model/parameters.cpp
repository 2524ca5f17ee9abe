#include "trainer/model/parameters.hpp"

#include <cmath>
#include <functional>
#include <numeric>
#include <string>

#include "configs/error.hpp"

namespace spillway::trainer {
namespace {

using config::ModelConfig;

constexpr std::int64_t kRowMultiple = 64;
/// Deviation of every weight matrix; projections back into the residual stream are scaled down by
/// the root of their number (Radford et al. 2019, "Language Models are Unsupervised Multitask
/// Learners", section 2.3).
constexpr double kDeviation = 0.02;

std::int64_t round_up(std::int64_t value, std::int64_t multiple) {
  return (value + multiple - 1) / multiple * multiple;
}

bool is_llama(const ModelConfig& model) { return model.family == "llama"; }

/// Lists the parameters of a model one after the other, numbering them.
class Lister {
 public:
  explicit Lister(const ModelConfig& model) : model_(model) {}

  void embedding() {
    matrix(kTokenEmbedding, padded_vocabulary(model_), model_.hidden, kDeviation);
    if (is_llama(model_)) return;
    matrix("embedding.position.weight", model_.sequence_length, model_.hidden, kDeviation);
  }

  void layer(std::int64_t number) {
    const std::string prefix = "layers." + std::to_string(number) + ".";
    const std::int64_t hidden = model_.hidden;
    const std::int64_t head_size = hidden / model_.heads;
    const double residual = kDeviation / std::sqrt(2.0 * static_cast<double>(model_.layers));
    norm(prefix + "attention_norm");
    linear(prefix + "attention.query_key_value", hidden + 2 * model_.kv_heads * head_size, hidden,
           kDeviation);
    linear(prefix + "attention.output", hidden, hidden, residual);
    norm(prefix + "mlp_norm");
    if (is_llama(model_)) {
      linear(prefix + "mlp.gate_up", 2 * model_.mlp_hidden, hidden, kDeviation);
    } else {
      linear(prefix + "mlp.up", model_.mlp_hidden, hidden, kDeviation);
    }
    linear(prefix + "mlp.down", hidden, model_.mlp_hidden, residual);
  }

  void head() {
    norm("final_norm");
    if (!model_.tied_embeddings)
      matrix("head.weight", padded_vocabulary(model_), model_.hidden, kDeviation);
  }

  std::vector<ParameterSpec> take() { return std::move(specs_); }

 private:
  void add(ParameterSpec spec) {
    spec.index = static_cast<std::int64_t>(specs_.size());
    specs_.push_back(std::move(spec));
  }
  void matrix(const std::string& name, std::int64_t rows, std::int64_t columns, double deviation) {
    add({.name = name,
         .shape = {rows, columns},
         .decay = true,
         .start = Start::normal,
         .deviation = deviation});
  }
  void vector(const std::string& name, std::int64_t size, Start start) {
    add({.name = name, .shape = {size}, .start = start});
  }
  void linear(const std::string& name, std::int64_t outputs, std::int64_t inputs,
              double deviation) {
    matrix(name + ".weight", outputs, inputs, deviation);
    if (!is_llama(model_)) vector(name + ".bias", outputs, Start::zeros);
  }
  void norm(const std::string& name) {
    vector(name + ".weight", model_.hidden, Start::ones);
    if (!is_llama(model_)) vector(name + ".bias", model_.hidden, Start::zeros);
  }

  const ModelConfig& model_;
  std::vector<ParameterSpec> specs_;
};

/// Number of the layer a name belongs to, or -1.
std::int64_t layer_of(const std::string& name) {
  return name.starts_with("layers.") ? std::stoll(name.substr(7)) : -1;
}

bool in_slice(const std::string& name, const Slice& slice) {
  if (name.starts_with("embedding.")) return slice.has_embedding;
  if (const std::int64_t layer = layer_of(name); layer >= 0) {
    return layer >= slice.first_layer && layer < slice.first_layer + slice.layer_count;
  }
  return slice.has_head;
}

/// Numbers of the padding rows, which are memory but not model.
std::int64_t padding(const ParameterSpec& spec, const ModelConfig& model) {
  const bool padded = spec.name == kTokenEmbedding || spec.name == "head.weight";
  return padded ? (padded_vocabulary(model) - model.vocabulary) * model.hidden : 0;
}

}  // namespace

std::int64_t ParameterSpec::numel() const {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

config::ModelConfig resolve(ModelConfig model, std::int64_t tokenizer_vocabulary) {
  if (model.kv_heads == 0) model.kv_heads = model.heads;
  if (model.mlp_hidden == 0) {
    model.mlp_hidden =
        is_llama(model) ? round_up((8 * model.hidden + 2) / 3, 64) : 4 * model.hidden;
  }
  if (model.vocabulary == 0) model.vocabulary = tokenizer_vocabulary;
  if (model.vocabulary < tokenizer_vocabulary || model.vocabulary < 1) {
    fail_input("model.vocabulary = " + std::to_string(model.vocabulary) +
               " is smaller than the tokenizer's " + std::to_string(tokenizer_vocabulary) +
               "; valid: 0 (the tokenizer's) or more than that");
  }
  return model;
}

std::int64_t padded_vocabulary(const ModelConfig& model) {
  return round_up(model.vocabulary, kRowMultiple);
}

Slice whole_model(const ModelConfig& model) { return {.layer_count = model.layers}; }

std::vector<ParameterSpec> parameter_specs(const ModelConfig& model) {
  Lister lister(model);
  lister.embedding();
  for (std::int64_t layer = 0; layer < model.layers; ++layer) lister.layer(layer);
  lister.head();
  return lister.take();
}

std::vector<ParameterSpec> parameter_specs(const ModelConfig& model, const Slice& slice) {
  std::vector<ParameterSpec> specs = parameter_specs(model);
  ParameterSpec tied = specs.front();
  std::erase_if(specs, [&](const ParameterSpec& spec) { return !in_slice(spec.name, slice); });
  if (slice.has_head && !slice.has_embedding && model.tied_embeddings) {
    tied.tied_copy = true;
    specs.push_back(std::move(tied));
  }
  return specs;
}

ModelCost model_cost(const ModelConfig& model) { return model_cost(model, whole_model(model)); }

ModelCost model_cost(const ModelConfig& model, const Slice& slice) {
  ModelCost cost;
  for (const ParameterSpec& spec : parameter_specs(model, slice)) {
    const std::int64_t numel = spec.numel() - padding(spec, model);
    cost.parameters += numel;
    if (spec.decay && layer_of(spec.name) >= 0)
      cost.forward_flops_per_token += 2.0 * static_cast<double>(numel);
  }
  const double hidden = static_cast<double>(model.hidden);
  if (slice.has_head)
    cost.forward_flops_per_token += 2.0 * static_cast<double>(model.vocabulary) * hidden;
  cost.forward_flops_per_token +=
      4.0 * static_cast<double>(slice.layer_count * model.sequence_length) * hidden;
  return cost;
}

}  // namespace spillway::trainer
