#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <vector>

#include "parallel/pipeline/stage.hpp"

namespace spillway::pipeline {

/// A slice of a small model of kToyLayers linear + GELU layers of odd widths, with autograd.
/// Weights depend on the layer only, inputs and target on the micro-batch only; the last
/// micro-batch is shorter, and one alone is the short one.
inline constexpr int kToyLayers = 4;

/// What one process gets that runs the whole model micro-batch by micro-batch, each backward in one
/// piece, and lets autograd add the gradients: weight and bias gradient of each layer, and the
/// loss of each micro-batch.
struct ToyResult {
  std::vector<at::Tensor> gradients;
  std::map<int, float> losses;
};
ToyResult run_whole_toy(int microbatches, std::int64_t scale);

/// Counts what the stages of one rank keep for their backwards.
struct Held {
  int now = 0;
  int most = 0;
};

class ToyStage final : public Stage {
 public:
  /// Layers first..last-1 of the model. `scale` multiplies the rows of a micro-batch.
  ToyStage(int first, int last, int microbatches, std::int64_t scale, Held& held);

  at::Tensor make_input(int microbatch) override;
  at::Tensor forward(int microbatch, at::Tensor input) override;
  void recompute(int microbatch) override;
  at::Tensor backward(int microbatch, at::Tensor output_gradient) override;
  at::Tensor backward_input(int microbatch, at::Tensor output_gradient) override;
  void backward_weight(int microbatch) override;

  /// Weight and bias gradient of each layer of the slice; empty where no backward ran.
  const std::vector<at::Tensor>& gradients() const { return sums_; }
  void clear_gradients();
  /// By micro-batch, on the slice that ends the model.
  const std::map<int, float>& losses() const { return losses_; }
  /// Whole backwards and second halves.
  int backwards() const { return backwards_; }
  /// Backwards that had a recompute() before.
  int recomputed() const { return recomputed_; }
  /// How many of the tensors that crossed the edges of this stage still exist somewhere.
  std::size_t alive() const;

 private:
  struct Saved {
    at::Tensor input, output;
    at::Tensor output_gradient;  ///< between the halves of a backward
    bool halved = false;
    bool recomputed = false;
  };
  /// Adds to the sums what of `gradients` and of those before it is next by index.
  void add_in_order(int microbatch, std::vector<at::Tensor> gradients);
  void watch(const at::Tensor& tensor);

  int first_, last_, microbatches_;
  std::int64_t scale_;
  Held& held_;
  std::vector<at::Tensor> parameters_;
  std::map<int, Saved> saved_;
  std::map<int, float> losses_;
  std::map<int, std::vector<at::Tensor>> early_;  ///< not yet added
  int next_ = 0;
  std::vector<at::Tensor> sums_;
  int backwards_ = 0;
  int recomputed_ = 0;
  std::vector<c10::weak_intrusive_ptr<c10::TensorImpl, c10::UndefinedTensorImpl>> watched_;
};

/// Layers of stage `stage` of `stages`: [first, last).
struct ToySlice {
  int first, last;
};
constexpr ToySlice toy_slice(int stage, int stages) {
  return {stage * kToyLayers / stages, (stage + 1) * kToyLayers / stages};
}

}  // namespace spillway::pipeline
