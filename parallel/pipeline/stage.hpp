#pragma once

#include <ATen/core/Tensor.h>

namespace spillway::pipeline {

/// What the executor calls for the actions of one stage (a slice of the model on one rank).
/// Micro-batches are numbered 0..m-1 within a step. Several micro-batches may be in flight: the
/// stage keeps what its backward needs, by micro-batch, until that backward. The sums of weight
/// gradients have the bits of a sum in index order of the micro-batches, in whatever order their
/// backwards come, whole or split.
class Stage {
 public:
  Stage() = default;
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;
  virtual ~Stage() = default;

  /// An empty tensor of the shape, type and device that crosses the edge into this stage; undefined
  /// for the first stage.
  virtual at::Tensor make_input(int microbatch) = 0;
  /// Input: activation of the stage before (undefined on the first, which reads its tokens itself).
  /// Returns the activation for the next stage, detached from autograd; undefined on the last
  /// stage, which keeps its loss.
  virtual at::Tensor forward(int microbatch, at::Tensor input) = 0;
  /// Repeats the parts of the forward that kept only their input, so that their backward can run;
  /// called before the backward of stages that have such parts.
  virtual void recompute(int microbatch) = 0;
  /// Gradient of the output (undefined on the last stage) -> gradient of the input (undefined on
  /// the first stage). Adds the weight gradients of this micro-batch to the stage's accumulators.
  virtual at::Tensor backward(int microbatch, at::Tensor output_gradient) = 0;
  /// First half of a backward: gradient of the output -> gradient of the input, as backward()
  /// returns it. What the second half needs is kept.
  virtual at::Tensor backward_input(int microbatch, at::Tensor output_gradient) = 0;
  /// Second half: adds the weight gradients of this micro-batch.
  virtual void backward_weight(int microbatch) = 0;
};

}  // namespace spillway::pipeline
