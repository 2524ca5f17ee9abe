#include "trainer/model/linear.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace spillway::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// [..., N] -> [rows, N]
at::Tensor rows(const at::Tensor& x) { return x.reshape({-1, x.size(-1)}); }

/// accumulator [N, M] += dy [rows, N]^T x [rows, M]; in one pass where all are of one type.
void add_product(const at::Tensor& accumulator, const at::Tensor& dy, const at::Tensor& x) {
  if (dy.scalar_type() == accumulator.scalar_type()) {
    accumulator.addmm_(dy.t(), x);
  } else {
    accumulator.add_(at::mm(dy.t(), x));
  }
}

struct Linear : torch::autograd::Function<Linear> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x,
                            const LinearWeights& weights) {
    context->saved_data["weight"] = keep(weights.weight);
    context->saved_data["bias"] = keep(weights.bias);
    context->save_for_backward({x});
    if (!weights.bias.used.defined()) return at::linear(x, weights.weight.used);
    return at::linear(x, weights.weight.used, weights.bias.used);
  }

  static variable_list backward(AutogradContext* context, variable_list output_gradients) {
    const Weight& weight = kept_weight(context->saved_data["weight"]);
    const Weight& bias = kept_weight(context->saved_data["bias"]);
    const at::Tensor x = context->get_saved_variables()[0];
    const at::Tensor dy = rows(output_gradients[0]);
    at::Tensor dx = at::mm(dy, weight.used).view(x.sizes());
    if (weight.trained()) {
      weight.gradients->add(weight.accumulator, [accumulator = weight.accumulator, dy,
                                                 x = rows(x)] { add_product(accumulator, dy, x); });
    }
    if (bias.trained()) {
      bias.gradients->add(bias.accumulator, [accumulator = bias.accumulator, dy] {
        accumulator.add_(dy.sum(0, false, at::kFloat));
      });
    }
    return {std::move(dx), at::Tensor()};
  }
};

}  // namespace

at::Tensor linear(const at::Tensor& x, const LinearWeights& weights) {
  return Linear::apply(x, weights);
}

}  // namespace spillway::trainer
