#pragma once

#include <ATen/ATen.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "trainer/model/model_stage.hpp"
#include "trainer/model/partition.hpp"

/// Small models with odd sizes, and a pipeline of stages in one process that hands tensors on by
/// hand.
namespace spillway::trainer::small {

inline config::ModelConfig gpt2(bool tied = true) {
  return resolve({.layers = 5,
                  .hidden = 36,
                  .heads = 3,
                  .sequence_length = 19,
                  .vocabulary = 101,
                  .tied_embeddings = tied},
                 1);
}

inline config::ModelConfig llama(bool tied = false) {
  return resolve({.family = "llama",
                  .layers = 5,
                  .hidden = 40,
                  .heads = 10,
                  .kv_heads = 2,
                  .mlp_hidden = 56,
                  .sequence_length = 19,
                  .vocabulary = 101,
                  .tied_embeddings = tied},
                 1);
}

struct Batch {
  at::Tensor tokens, targets;
};

/// Tokens of micro-batch `number`, every fifth target ignored.
inline Batch batch(const config::ModelConfig& model, std::int64_t number, std::int64_t size = 3) {
  const at::Tensor position = at::arange(size * model.sequence_length, at::kLong);
  const at::Tensor tokens =
      (position * position * 7 + position * 3 + number * 13).remainder(model.vocabulary);
  const at::Tensor targets = (tokens * 5 + number + 1).remainder(model.vocabulary);
  return {tokens.view({size, -1}),
          targets.masked_fill(position.remainder(5).eq(0), -100).view({size, -1})};
}

/// Sums the gradients of the two uses of a tied matrix into both.
inline void sum_tied_uses(ModelStage& first, ModelStage& last) {
  if (!first.options().model.tied_embeddings) return;
  const at::Tensor lookup = first.parameters().at(kTokenEmbedding).gradient;
  lookup.add_(last.parameters().tied_head().gradient);
  last.parameters().tied_head().gradient.copy_(lookup);
}

/// Stages of one pipeline, all in this process.
class Pipeline {
 public:
  Pipeline(const config::ModelConfig& model, const std::vector<Slice>& slices, PrecisionMode mode,
           bool sum_in_tree = false) {
    for (const Slice& slice : slices) {
      stages_.push_back(std::make_unique<ModelStage>(StageOptions{.model = model,
                                                                  .slice = slice,
                                                                  .precision = mode,
                                                                  .microbatch_size = 3,
                                                                  .sum_in_tree = sum_in_tree}));
      initialize(stages_.back()->parameters(), model, 7);
    }
  }

  ModelStage& stage(std::size_t i) { return *stages_[i]; }
  std::size_t size() const { return stages_.size(); }

  void set_microbatches(int count) {
    for (int j = 0; j < count; ++j) {
      const Batch given = batch(stages_[0]->options().model, j);
      stages_.front()->set_microbatch(j, given.tokens, {});
      stages_.back()->set_microbatch(j, {}, given.targets);
    }
  }
  void forward(int j) {
    at::Tensor x;
    for (auto& stage : stages_) x = stage->forward(j, x);
  }
  void backward(int j) {
    at::Tensor gradient;
    for (auto stage = stages_.rbegin(); stage != stages_.rend(); ++stage)
      gradient = (*stage)->backward(j, gradient);
  }
  void begin(int microbatches) {
    for (auto& stage : stages_) stage->begin_step(1.0 / 64, microbatches);
    set_microbatches(microbatches);
  }
  /// One step; `ahead` forwards are in flight before the first backward.
  void step(int microbatches, int ahead) {
    begin(microbatches);
    for (int j = 0; j < microbatches + ahead; ++j) {
      if (j < microbatches) forward(j);
      if (j >= ahead) backward(j - ahead);
    }
    finish();
  }
  void finish() { sum_tied_uses(*stages_.front(), *stages_.back()); }
  double evaluate(int microbatches) {
    for (auto& stage : stages_) stage->begin_evaluation();
    set_microbatches(microbatches);
    for (int j = 0; j < microbatches; ++j) forward(j);
    return losses().sum().item<double>();
  }
  at::Tensor losses() { return stages_.back()->loss_sums(); }
  std::map<std::string, at::Tensor> gradients() const {
    std::map<std::string, at::Tensor> all;
    for (const auto& stage : stages_) {
      for (const Parameter& parameter : stage->parameters().parameters()) {
        all.insert_or_assign(parameter.spec.name, parameter.gradient.clone());
      }
    }
    return all;
  }

 private:
  std::vector<std::unique_ptr<ModelStage>> stages_;
};

}  // namespace spillway::trainer::small
