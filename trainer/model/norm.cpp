#include "trainer/model/norm.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include "trainer/kernels/norm.hpp"

namespace spillway::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// A pure bfloat16 model's weights too are computed with in float32.
at::Tensor wide(const Weight& weight) {
  return weight.used.defined() ? weight.used.to(at::kFloat) : at::Tensor();
}

struct Norm : torch::autograd::Function<Norm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const NormWeights& weights, double epsilon) {
    Normed normed = norm_forward(x, wide(weights.gain), wide(weights.bias), epsilon);
    context->saved_data["gain"] = keep(weights.gain);
    context->saved_data["bias"] = keep(weights.bias);
    context->save_for_backward({x, normed.mean, normed.scale});
    return std::move(normed.y);
  }

  static variable_list backward(AutogradContext* context, variable_list output_gradients) {
    const Weight& gain = kept_weight(context->saved_data["gain"]);
    const Weight& bias = kept_weight(context->saved_data["bias"]);
    const variable_list saved = context->get_saved_variables();
    const Normed normed{.mean = saved[1], .scale = saved[2]};
    NormGradients gradients =
        norm_backward(saved[0], output_gradients[0], wide(gain), wide(bias), normed);
    add_gradient(gain, gradients.gain);
    add_gradient(bias, gradients.bias);
    return {std::move(gradients.x), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor norm(const at::Tensor& x, const NormWeights& weights, double epsilon) {
  return Norm::apply(x, weights, epsilon);
}

}  // namespace spillway::trainer
