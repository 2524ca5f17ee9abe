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

}  // namespace

ToyStage::ToyStage(int first, int last, int microbatches, std::int64_t scale, Held& held)
    : first_(first), last_(last), microbatches_(microbatches), scale_(scale), held_(held) {
  for (int layer = first; layer < last; ++layer) {
    const auto index = static_cast<std::size_t>(layer);
    const std::int64_t in = kWidths[index], out = kWidths[index + 1];
    const auto seed = static_cast<std::uint64_t>(1000 + layer);
    parameters_.push_back(normal({out, in}, seed).requires_grad_());
    parameters_.push_back(normal({out}, seed + 100).requires_grad_());
  }
}

std::vector<std::int64_t> ToyStage::sizes_of(int layer, int microbatch) const {
  const std::int64_t rows = microbatch + 1 == microbatches_ ? 2 : 3;
  return {rows * scale_, kWidths.at(static_cast<std::size_t>(layer))};
}

at::Tensor ToyStage::values_of(int layer, int microbatch) const {
  return normal(sizes_of(layer, microbatch),
                static_cast<std::uint64_t>(layer * 10000 + microbatch));
}

at::Tensor ToyStage::make_input(int microbatch) {
  const at::Tensor buffer = at::empty(sizes_of(first_, microbatch));
  watch(buffer);
  return buffer;
}

at::Tensor ToyStage::forward(int microbatch, at::Tensor input) {
  if (first_ > 0) watch(input);
  at::Tensor x = first_ == 0 ? values_of(0, microbatch) : input.detach().requires_grad_();
  Saved saved{.input = x, .output = {}};
  held_.most = std::max(held_.most, ++held_.now);
  for (std::size_t i = 0; i < parameters_.size(); i += 2) {
    x = at::gelu(at::linear(x, parameters_[i], parameters_[i + 1]));
  }
  if (last_ == kToyLayers) {
    saved.output = (x - values_of(kToyLayers, microbatch)).square().mean() / microbatches_;
    losses_[microbatch] = saved.output.item<float>();
    saved_[microbatch] = saved;
    return {};
  }
  saved.output = x;
  saved_[microbatch] = saved;
  const at::Tensor output = x.detach();
  watch(output);
  return output;
}

at::Tensor ToyStage::backward(int microbatch, at::Tensor output_gradient) {
  if (output_gradient.defined()) watch(output_gradient);
  const Saved saved = saved_.extract(microbatch).mapped();
  torch::autograd::backward({saved.output}, {output_gradient});
  ++backwards_;
  --held_.now;
  if (first_ == 0) return {};
  const at::Tensor input_gradient = saved.input.grad();
  watch(input_gradient);
  return input_gradient;
}

std::vector<at::Tensor> ToyStage::gradients() const {
  std::vector<at::Tensor> all;
  for (const at::Tensor& parameter : parameters_) all.push_back(parameter.grad());
  return all;
}

void ToyStage::clear_gradients() {
  for (at::Tensor& parameter : parameters_) parameter.mutable_grad().reset();
  saved_.clear();
}

std::size_t ToyStage::alive() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(watched_, [](const auto& weak) { return !weak.expired(); }));
}

void ToyStage::watch(const at::Tensor& tensor) { watched_.emplace_back(tensor.getIntrusivePtr()); }

}  // namespace spillway::pipeline
