#include "tests/parallel/pipeline/toy_stage.hpp"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

namespace spillway::pipeline {
namespace {

constexpr std::array<std::int64_t, kToyLayers + 1> kWidths{7, 13, 5, 11, 9};

at::Tensor normal(at::IntArrayRef sizes, std::uint64_t seed) {
  return at::randn(sizes, at::make_generator<at::CPUGeneratorImpl>(seed));
}

std::vector<std::int64_t> sizes_of(int layer, int microbatch, int microbatches,
                                   std::int64_t scale) {
  const std::int64_t rows = microbatch + 1 == microbatches ? 2 : 3;
  return {rows * scale, kWidths.at(static_cast<std::size_t>(layer))};
}

at::Tensor values_of(int layer, int microbatch, int microbatches, std::int64_t scale) {
  return normal(sizes_of(layer, microbatch, microbatches, scale),
                static_cast<std::uint64_t>(layer * 10000 + microbatch));
}

std::vector<at::Tensor> make_parameters(int first, int last) {
  std::vector<at::Tensor> parameters;
  for (int layer = first; layer < last; ++layer) {
    const auto index = static_cast<std::size_t>(layer);
    const std::int64_t in = kWidths[index], out = kWidths[index + 1];
    const auto seed = static_cast<std::uint64_t>(1000 + layer);
    parameters.push_back(normal({out, in}, seed).requires_grad_());
    parameters.push_back(normal({out}, seed + 100).requires_grad_());
  }
  return parameters;
}

at::Tensor run_layers(at::Tensor x, const std::vector<at::Tensor>& parameters) {
  for (std::size_t i = 0; i < parameters.size(); i += 2) {
    x = at::gelu(at::linear(x, parameters[i], parameters[i + 1]));
  }
  return x;
}

}  // namespace

ToyResult run_whole_toy(int microbatches, std::int64_t scale) {
  const std::vector<at::Tensor> parameters = make_parameters(0, kToyLayers);
  ToyResult result;
  for (int m = 0; m < microbatches; ++m) {
    const at::Tensor output = run_layers(values_of(0, m, microbatches, scale), parameters);
    const at::Tensor target = values_of(kToyLayers, m, microbatches, scale);
    const at::Tensor loss = (output - target).square().mean() / microbatches;
    result.losses[m] = loss.item<float>();
    torch::autograd::backward({loss});
  }
  for (const at::Tensor& parameter : parameters) result.gradients.push_back(parameter.grad());
  return result;
}

ToyStage::ToyStage(int first, int last, int microbatches, std::int64_t scale, Held& held)
    : first_(first),
      last_(last),
      microbatches_(microbatches),
      scale_(scale),
      held_(held),
      parameters_(make_parameters(first, last)) {}

at::Tensor ToyStage::make_input(int microbatch) {
  const at::Tensor buffer = at::empty(sizes_of(first_, microbatch, microbatches_, scale_));
  watch(buffer);
  return buffer;
}

at::Tensor ToyStage::forward(int microbatch, at::Tensor input) {
  if (first_ > 0) watch(input);
  Saved& saved = saved_[microbatch];
  saved.input = first_ == 0 ? values_of(0, microbatch, microbatches_, scale_)
                            : input.detach().requires_grad_();
  saved.output = run_layers(saved.input, parameters_);
  held_.most = std::max(held_.most, ++held_.now);
  if (last_ == kToyLayers) {
    const at::Tensor target = values_of(kToyLayers, microbatch, microbatches_, scale_);
    saved.output = (saved.output - target).square().mean() / microbatches_;
    losses_[microbatch] = saved.output.item<float>();
    return {};
  }
  const at::Tensor output = saved.output.detach();
  watch(output);
  return output;
}

void ToyStage::recompute(int microbatch) {
  Saved& saved = saved_.at(microbatch);
  TORCH_CHECK(!saved.halved, "recompute of micro-batch ", microbatch, " behind its backward");
  saved.recomputed = true;
}

at::Tensor ToyStage::backward(int microbatch, at::Tensor output_gradient) {
  const at::Tensor input_gradient = backward_input(microbatch, std::move(output_gradient));
  backward_weight(microbatch);
  return input_gradient;
}

at::Tensor ToyStage::backward_input(int microbatch, at::Tensor output_gradient) {
  if (output_gradient.defined()) watch(output_gradient);
  Saved& saved = saved_.at(microbatch);
  saved.output_gradient = std::move(output_gradient);
  saved.halved = true;
  if (first_ == 0) return {};
  at::Tensor input_gradient =
      torch::autograd::grad({saved.output}, {saved.input}, {saved.output_gradient},
                            /*retain_graph=*/true)
          .front();
  watch(input_gradient);
  return input_gradient;
}

void ToyStage::backward_weight(int microbatch) {
  const Saved saved = saved_.extract(microbatch).mapped();
  TORCH_CHECK(saved.halved, "no first half of the backward of micro-batch ", microbatch);
  add_in_order(microbatch,
               torch::autograd::grad({saved.output}, parameters_, {saved.output_gradient}));
  ++backwards_;
  recomputed_ += saved.recomputed;
  --held_.now;
}

void ToyStage::add_in_order(int microbatch, std::vector<at::Tensor> gradients) {
  early_[microbatch] = std::move(gradients);
  for (auto next = early_.find(next_); next != early_.end(); next = early_.find(next_)) {
    if (sums_.empty()) {
      sums_ = next->second;
    } else {
      for (std::size_t i = 0; i < sums_.size(); ++i) sums_[i] = sums_[i] + next->second[i];
    }
    early_.erase(next);
    next_ = (next_ + 1) % microbatches_;
  }
}

void ToyStage::clear_gradients() {
  sums_.clear();
  early_.clear();
  saved_.clear();
  next_ = 0;
}

std::size_t ToyStage::alive() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(watched_, [](const auto& weak) { return !weak.expired(); }));
}

void ToyStage::watch(const at::Tensor& tensor) { watched_.emplace_back(tensor.getIntrusivePtr()); }

}  // namespace spillway::pipeline
