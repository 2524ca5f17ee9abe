#include "trainer/model/rotary.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace spillway::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Turns every plane (a, b) of x by the angle of the tables, or back.
at::Tensor turn(const at::Tensor& x, const at::Tensor& cosine, const at::Tensor& sine,
                double direction) {
  const std::int64_t half = x.size(-1) / 2;
  const at::Tensor wide = x.to(at::kFloat);
  const at::Tensor a = wide.narrow(-1, 0, half);
  const at::Tensor b = wide.narrow(-1, half, half);
  at::Tensor turned = at::empty(x.sizes(), wide.options());
  at::Tensor turned_a = turned.narrow(-1, 0, half);
  at::Tensor turned_b = turned.narrow(-1, half, half);
  at::mul_out(turned_a, a, cosine).addcmul_(b, sine, -direction);
  at::mul_out(turned_b, b, cosine).addcmul_(a, sine, direction);
  return turned.to(x.scalar_type());
}

struct Rotate : torch::autograd::Function<Rotate> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& x, const at::Tensor& cosine,
                            const at::Tensor& sine) {
    context->saved_data["cosine"] = cosine;
    context->saved_data["sine"] = sine;
    return turn(x, cosine, sine, 1.0);
  }
  static variable_list backward(AutogradContext* context, variable_list output_gradients) {
    const at::Tensor cosine = context->saved_data["cosine"].toTensor();
    const at::Tensor sine = context->saved_data["sine"].toTensor();
    return {turn(output_gradients[0], cosine, sine, -1.0), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

RotaryTables rotary_tables(std::int64_t length, std::int64_t head_size, double theta,
                           c10::Device device) {
  const at::Tensor position = at::arange(length, at::kDouble).unsqueeze(1);
  const at::Tensor exponent =
      at::arange(0, head_size, 2, at::kDouble) / static_cast<double>(head_size);
  const at::Tensor angle = (position * at::pow(theta, -exponent)).unsqueeze(1);
  return {angle.cos().to(device, at::kFloat), angle.sin().to(device, at::kFloat)};
}

at::Tensor rotate(const at::Tensor& x, const RotaryTables& tables) {
  TORCH_CHECK(
      x.dim() == 4 && x.size(1) <= tables.cosine.size(0) && x.size(3) == 2 * tables.cosine.size(2),
      "rotate: x ", x.sizes(), " does not fit tables ", tables.cosine.sizes());
  return Rotate::apply(x, tables.cosine.narrow(0, 0, x.size(1)),
                       tables.sine.narrow(0, 0, x.size(1)));
}

}  // namespace spillway::trainer
