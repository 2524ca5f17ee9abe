#include "trainer/model/model_stage.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "trainer/model/cross_entropy.hpp"
#include "trainer/model/embedding.hpp"

namespace spillway::trainer {

ModelStage::ModelStage(StageOptions options)
    : options_(std::move(options)),
      store_(options_.model, options_.slice, options_.device),
      used_(options_.model, store_, options_.precision),
      segments_(cut_into_segments(options_.slice, options_.recompute, options_.recompute_layers)) {
  if (options_.sum_in_tree) tree_.emplace(store_.accumulators());
  const config::ModelConfig& model = options_.model;
  if (model.family != "llama") return;
  rotary_ = rotary_tables(model.sequence_length, model.hidden / model.heads, model.rope_theta,
                          options_.device);
}

void ModelStage::begin(bool training, double loss_scale) {
  training_ = training;
  loss_scale_ = loss_scale;
  flights_.clear();
  losses_.clear();
  split_.clear();
  released_.clear();
}

void ModelStage::begin_step(double loss_scale, int microbatches) {
  begin(true, loss_scale);
  microbatches_ = microbatches;
  turn_ = 0;
  store_.zero_gradients();
}

void ModelStage::begin_evaluation() { begin(false, 1.0); }

void ModelStage::set_microbatch(int microbatch, const at::Tensor& tokens,
                                const at::Tensor& targets) {
  Flight& flight = flights_[microbatch];
  if (tokens.defined()) flight.tokens = tokens.to(options_.device);
  if (targets.defined()) flight.targets = targets.to(options_.device);
}

at::Tensor ModelStage::make_input(int microbatch) {
  if (options_.slice.has_embedding) return {};
  std::int64_t batch = options_.microbatch_size;
  std::int64_t length = options_.model.sequence_length;
  if (const auto flight = flights_.find(microbatch); flight != flights_.end()) {
    const at::Tensor& given =
        flight->second.targets.defined() ? flight->second.targets : flight->second.tokens;
    if (given.defined()) batch = given.size(0), length = given.size(1);
  }
  return at::empty({batch, length, options_.model.hidden},
                   at::TensorOptions().dtype(edge_type()).device(options_.device));
}

at::Tensor ModelStage::forward(int microbatch, at::Tensor input) {
  Flight& flight = flights_[microbatch];
  if (options_.slice.has_embedding) {
    TORCH_CHECK(flight.tokens.defined(), "forward: micro-batch ", microbatch, " has no tokens");
  } else {
    TORCH_CHECK(input.defined() && input.scalar_type() == edge_type(),
                "forward: input of micro-batch ", microbatch, " is undefined or not ", edge_type());
  }
  if (training_) flight.weight_gradients = c10::make_intrusive<WeightGradients>();
  used_.refresh(flight.weight_gradients);
  at::Tensor x = input.defined() ? input.to(activation_type(options_.precision)) : at::Tensor();
  input.reset();
  for (const Segment& segment : segments_) {
    const at::AutoGradMode graph(training_ && !segment.recomputed);
    if (!segment.embeds) x = x.detach().set_requires_grad(training_);
    flight.inputs.push_back(x);
    x = run(segment, flight, x);
    if (segment.ends) x = finish_head(microbatch, flight, x);
    flight.outputs.push_back(segment.recomputed ? at::Tensor() : x);
  }
  if (!training_) flights_.erase(microbatch);
  return options_.slice.has_head ? at::Tensor() : x.detach().to(edge_type());
}

bool ModelStage::recomputes() const { return std::ranges::any_of(segments_, &Segment::recomputed); }

void ModelStage::recompute(int microbatch) {
  const auto found = flights_.find(microbatch);
  TORCH_CHECK(found != flights_.end() && !found->second.outputs.empty(), "recompute: micro-batch ",
              microbatch, " had no forward in this step");
  Flight& flight = found->second;
  used_.refresh(flight.weight_gradients);
  for (std::size_t i = 0; i < segments_.size(); ++i) {
    if (segments_[i].recomputed) flight.outputs[i] = run(segments_[i], flight, flight.inputs[i]);
  }
}

at::Tensor ModelStage::run(const Segment& segment, const Flight& flight, const at::Tensor& input) {
  const config::ModelConfig& model = options_.model;
  at::Tensor x = input;
  if (segment.embeds) {
    x = embed(flight.tokens, used_.token_table(), used_.position_table())
            .to(activation_type(options_.precision));
  }
  LayerWeights weights;
  for (std::int64_t half = segment.first_half; half < segment.last_half; ++half) {
    if (half % 2 == 0 || half == segment.first_half) weights = used_.layer(half / 2);
    x = half % 2 == 0 ? attention_half(x, weights, model, rotary_) : mlp_half(x, weights, model);
  }
  if (!segment.ends) return x;
  return linear(norm(x, used_.final_norm(), model.norm_epsilon), used_.head());
}

at::Tensor ModelStage::finish_head(int microbatch, const Flight& flight, const at::Tensor& logits) {
  TORCH_CHECK(flight.targets.defined(), "forward: micro-batch ", microbatch, " has no targets");
  const at::Tensor flat = logits.view({-1, logits.size(-1)});
  const auto scale = training_ ? std::optional(loss_scale_) : std::nullopt;
  losses_[microbatch] =
      cross_entropy(flat, flight.targets.reshape({-1}), options_.model.vocabulary, scale);
  return flat;
}

at::Tensor ModelStage::run_backward(int microbatch, at::Tensor output_gradient, bool split) {
  const auto found = flights_.find(microbatch);
  TORCH_CHECK(found != flights_.end() && !found->second.outputs.empty(), "backward: micro-batch ",
              microbatch, " had no forward in this step");
  TORCH_CHECK(microbatch < microbatches_, "backward: micro-batch ", microbatch, " of ",
              microbatches_);
  Flight flight = std::move(found->second);
  flights_.erase(found);
  WeightGradients& weight_gradients = *flight.weight_gradients;
  if (tree_ || microbatch + 1 == microbatches_) {
    weight_gradients.on_sum(
        [this, microbatch](const at::Tensor& accumulator) { note_sum(accumulator, microbatch); });
  }
  const bool at_once = !split && microbatch == turn_;
  if (!at_once) weight_gradients.defer();
  output_gradient = options_.slice.has_head
                        ? flight.outputs.back().detach()
                        : output_gradient.to(activation_type(options_.precision));
  for (std::size_t i = segments_.size(); i-- > 0;) {
    const at::Tensor output = std::exchange(flight.outputs[i], {});
    TORCH_CHECK(output.defined(), "backward: micro-batch ", microbatch, " was not recomputed");
    torch::autograd::backward({output}, {output_gradient});
    const at::Tensor input = std::exchange(flight.inputs[i], {});
    output_gradient = segments_[i].embeds ? at::Tensor() : input.grad();
  }
  (split ? split_ : released_)[microbatch] = flight.weight_gradients;
  return output_gradient.defined() ? output_gradient.to(edge_type()) : at::Tensor();
}

at::Tensor ModelStage::backward(int microbatch, at::Tensor output_gradient) {
  at::Tensor input_gradient = run_backward(microbatch, std::move(output_gradient), false);
  add_released();
  return input_gradient;
}

at::Tensor ModelStage::backward_input(int microbatch, at::Tensor output_gradient) {
  return run_backward(microbatch, std::move(output_gradient), true);
}

void ModelStage::backward_weight(int microbatch) {
  auto node = split_.extract(microbatch);
  TORCH_CHECK(!node.empty(), "backward_weight: micro-batch ", microbatch,
              " had no backward_input in this step");
  released_.insert(std::move(node));
  add_released();
}

void ModelStage::add_released() {
  for (auto next = released_.find(turn_); next != released_.end(); next = released_.find(turn_)) {
    next->second->run();
    released_.erase(next);
    ++turn_;
  }
}

void ModelStage::note_sum(const at::Tensor& accumulator, int microbatch) {
  const bool last = microbatch + 1 == microbatches_;
  if (tree_) tree_->add(accumulator, microbatch, last);
  if (last && on_gradient_final_) on_gradient_final_(store_.owner_of(accumulator));
}

at::Tensor ModelStage::loss_sums() const {
  std::vector<at::Tensor> sums;
  sums.reserve(losses_.size());
  for (const auto& [microbatch, loss] : losses_) sums.push_back(loss);
  return sums.empty() ? at::empty({0}, at::kDouble) : at::stack(sums);
}

}  // namespace spillway::trainer
