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
  at::Tensor backward(int microbatch, at::Tensor output_gradient) override;

  /// Weight and bias gradient of each layer of the slice; undefined where no backward ran.
  std::vector<at::Tensor> gradients() const;
  void clear_gradients();
  /// By micro-batch, on the slice that ends the model.
  const std::map<int, float>& losses() const { return losses_; }
  int backwards() const { return backwards_; }
  /// How many of the tensors that crossed the edges of this stage still exist somewhere.
  std::size_t alive() const;

 private:
  struct Saved {
    at::Tensor input, output;
  };
  std::vector<std::int64_t> sizes_of(int layer, int microbatch) const;
  at::Tensor values_of(int layer, int microbatch) const;
  void watch(const at::Tensor& tensor);

  int first_, last_, microbatches_;
  std::int64_t scale_;
  Held& held_;
  std::vector<at::Tensor> parameters_;
  std::map<int, Saved> saved_;
  std::map<int, float> losses_;
  int backwards_ = 0;
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
