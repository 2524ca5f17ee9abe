#pragma once

#include <map>

#include "configs/schema.hpp"
#include "parallel/pipeline/stage.hpp"
#include "trainer/model/parameter_store.hpp"
#include "trainer/model/used_weights.hpp"
#include "trainer/precision/mode.hpp"

namespace spillway::trainer {

struct StageOptions {
  config::ModelConfig model;  ///< resolved
  Slice slice;
  PrecisionMode precision = PrecisionMode::fp32;
  c10::Device device = c10::DeviceType::CPU;
  std::int64_t microbatch_size =
      1;  ///< sequences; the shape of an edge is [microbatch_size, sequence_length, hidden]
};

/// A slice of the model as a pipeline stage. A training step:
///
///     stage.begin_step(loss_scale);                      // every stage
///     stage.set_microbatch(j, tokens, targets);          // first and last stage, every j
///     ... forward(j, ...), backward(j, ...) by any schedule that runs the backwards in the order
///     of j ... stage.finish_gradients();                          // every stage; then all-reduce
///     tied_gradient() over both ends
///
/// Losses and gradients have the same bits however the layers are cut into stages and whatever the
/// schedule: every operator gets the same operands in every cut, and an accumulator adds
/// micro-batches in the order of their backwards. Activations cross stages as edge_type(precision)
/// [B, T, D]. Not thread-safe. No communication.
class ModelStage final : public pipeline::Stage {
 public:
  explicit ModelStage(StageOptions options);

  /// Zeroes the gradients and forgets what an interrupted step left. `loss_scale` multiplies the
  /// sum of token losses before backward: replicas / (targets in the global batch) makes the mean
  /// over replicas the gradient of the mean token loss.
  void begin_step(double loss_scale);
  /// Forward passes only, until the next begin_step(): no gradients, nothing kept.
  void begin_evaluation();
  /// tokens [B, T] int64 for the first stage, targets [B, T] int64 (kIgnoredTarget: none) for the
  /// last; what a stage does not need may be undefined. B and T may differ from the options' (T up
  /// to model.sequence_length) if every stage is given tokens or targets.
  void set_microbatch(int microbatch, const at::Tensor& tokens, const at::Tensor& targets);

  at::Tensor make_input(int microbatch) override;
  at::Tensor forward(int microbatch, at::Tensor input) override;
  at::Tensor backward(int microbatch, at::Tensor output_gradient) override;
  at::Tensor backward_input(int microbatch, at::Tensor output_gradient) override;
  void backward_weight(int microbatch) override;

  /// Last stage: sums of token losses of the micro-batches seen since begin_*(), by index: float64
  /// [microbatches].
  at::Tensor loss_sums() const;
  /// Sums the two uses of a tied matrix that this slice holds.
  void finish_gradients() { store_.sum_tied_gradients(); }
  /// The gradient that must be summed over first and last stage, once, after finish_gradients(): on
  /// those two when the embedding is tied and they are not one slice; otherwise undefined.
  at::Tensor tied_gradient() const;

  ParameterStore& parameters() { return store_; }
  const ParameterStore& parameters() const { return store_; }
  const StageOptions& options() const { return options_; }

 private:
  /// What a micro-batch leaves for its backward.
  struct Flight {
    at::Tensor tokens, targets;
    at::Tensor input;  ///< leaf; undefined on the first stage
    at::Tensor
        output;  ///< with its graph; on the last stage the logits, overwritten by their gradient
  };

  void begin(bool training, double loss_scale);
  at::Tensor run_layers(const Flight& flight);
  at::Tensor finish_head(int microbatch, const Flight& flight, const at::Tensor& logits);

  StageOptions options_;
  ParameterStore store_;
  UsedWeights used_;
  RotaryTables rotary_;
  bool training_ = false;
  double loss_scale_ = 1.0;
  std::map<int, Flight> flights_;
  std::map<int, at::Tensor> losses_;
};

}  // namespace spillway::trainer
