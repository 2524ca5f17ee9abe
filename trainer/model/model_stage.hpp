#pragma once

#include <functional>
#include <map>
#include <optional>

#include "configs/schema.hpp"
#include "parallel/pipeline/stage.hpp"
#include "trainer/model/gradient_tree.hpp"
#include "trainer/model/parameter_store.hpp"
#include "trainer/model/recompute.hpp"
#include "trainer/model/used_weights.hpp"
#include "trainer/precision/mode.hpp"

namespace spillway::trainer {

struct StageOptions {
  config::ModelConfig model = {};  ///< resolved
  Slice slice = {};
  PrecisionMode precision = PrecisionMode::fp32;
  c10::Device device = c10::DeviceType::CPU;
  std::int64_t microbatch_size =
      1;  ///< sequences; the shape of an edge is [microbatch_size, sequence_length, hidden]
  /// Of the tensors on an edge; nullopt: activation_type(precision), which rounds nothing.
  std::optional<c10::ScalarType> edge_type = {};
  bool sum_in_tree = false;  ///< micro-batches' gradients as GradientTree does, else one by one
  Recompute recompute = Recompute::none;
  std::int64_t recompute_layers = 0;  ///< the first ones of the slice; 0: all
};

/// A slice of the model as a pipeline stage. A training step:
///
///     stage.begin_step(loss_scale, m);           // every stage
///     stage.set_microbatch(j, tokens, targets);  // first and last stage, every j of m
///     ... forward(j, ...), recompute(j) if recomputes(), then backward(j, ...), or
///     backward_input(j, ...) and backward_weight(j), by any schedule ...
///
/// after which the gradients of the two uses of a tied matrix are still to be summed.
///
/// Losses and gradients have the same bits however the layers are cut into stages, whatever the
/// schedule, whether backwards are split, and whatever is recomputed: every operator gets the same
/// operands in every cut, and accumulators add the micro-batches in the order of their index (or in
/// a tree over it). A micro-batch whose turn has not come is kept, with what its weight gradients
/// need, until it has. Activations and their gradients cross stages as [B, T, D] of
/// StageOptions::edge_type; a type narrower than that of the activations rounds them at each cut,
/// on one rank too, so that the bits then depend on where the cuts are: one stage, which has none,
/// rounds nothing. Not thread-safe. No communication.
class ModelStage final : public pipeline::Stage {
 public:
  explicit ModelStage(StageOptions options);

  /// Zeroes the gradients and forgets what an interrupted step left. `loss_scale` multiplies the
  /// sum of token losses before backward: replicas / (targets in the global batch) makes the mean
  /// over replicas the gradient of the mean token loss.
  void begin_step(double loss_scale, int microbatches);
  /// Forward passes only, until the next begin_step(): no gradients, nothing kept.
  void begin_evaluation();
  /// tokens [B, T] int64 for the first stage, targets [B, T] int64 (kIgnoredTarget: none) for the
  /// last; what a stage does not need may be undefined. B and T may differ from the options' (T up
  /// to model.sequence_length) if every stage is given tokens or targets.
  void set_microbatch(int microbatch, const at::Tensor& tokens, const at::Tensor& targets);

  at::Tensor make_input(int microbatch) override;
  at::Tensor forward(int microbatch, at::Tensor input) override;
  bool recomputes() const;
  void recompute(int microbatch) override;
  at::Tensor backward(int microbatch, at::Tensor output_gradient) override;
  at::Tensor backward_input(int microbatch, at::Tensor output_gradient) override;
  void backward_weight(int microbatch) override;

  /// Called in a training step when a gradient is final, in the midst of the last micro-batch's
  /// backward: exactly once a step for each parameter of the slice, in the same order on every
  /// replica. The two uses of a tied matrix are two, here as on two stages:
  /// ParameterStore::tied_head() and, later, the lookup's.
  void on_gradient_final(std::function<void(const Parameter&)> notice) {
    on_gradient_final_ = std::move(notice);
  }

  /// Last stage: sums of token losses of the micro-batches seen since begin_*(), by index: float64
  /// [microbatches].
  at::Tensor loss_sums() const;
  ParameterStore& parameters() { return store_; }
  const ParameterStore& parameters() const { return store_; }
  const StageOptions& options() const { return options_; }
  c10::ScalarType edge_type() const {
    return options_.edge_type.value_or(activation_type(options_.precision));
  }

 private:
  /// What a micro-batch leaves for its backward.
  struct Flight {
    at::Tensor tokens, targets;
    std::vector<at::Tensor> inputs;  ///< by segment: leaf; undefined where it embeds
    std::vector<at::Tensor>
        outputs;  ///< by segment: with its graph, undefined until recomputed; on
                  ///< the last stage the logits, overwritten by their gradient
    WeightGradientsPtr weight_gradients;
  };

  void begin(bool training, double loss_scale);
  at::Tensor run_backward(int microbatch, at::Tensor output_gradient, bool split);
  /// Adds the weight gradients of the micro-batches whose turn has come.
  void add_released();
  void note_sum(const at::Tensor& accumulator, int microbatch);
  at::Tensor run(const Segment& segment, const Flight& flight, const at::Tensor& input);
  at::Tensor finish_head(int microbatch, const Flight& flight, const at::Tensor& logits);

  StageOptions options_;
  ParameterStore store_;
  UsedWeights used_;
  RotaryTables rotary_;
  std::vector<Segment> segments_;
  bool training_ = false;
  double loss_scale_ = 1.0;
  int microbatches_ = 0;
  std::map<int, Flight> flights_;
  int turn_ = 0;  ///< the micro-batch whose weight gradients are added next
  std::map<int, WeightGradientsPtr> split_;     ///< between backward_input and backward_weight
  std::map<int, WeightGradientsPtr> released_;  ///< waiting for their turn
  std::optional<GradientTree> tree_;
  std::function<void(const Parameter&)> on_gradient_final_;
  std::map<int, at::Tensor> losses_;
};

}  // namespace spillway::trainer
