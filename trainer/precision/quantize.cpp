#include "trainer/precision/quantize.hpp"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

namespace spillway::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct StraightThrough : torch::autograd::Function<StraightThrough> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& master,
                            const at::Tensor& rounded, const at::Tensor& gradient,
                            bool mask_overflow) {
    context->saved_data["gradient"] = gradient;
    if (mask_overflow) context->saved_data["master"] = master.detach();
    return rounded.detach();
  }

  static variable_list backward(AutogradContext* context, variable_list output_gradients) {
    at::Tensor incoming = output_gradients[0];
    if (incoming.defined()) {
      if (context->saved_data.count("master") > 0) {
        incoming = incoming.masked_fill(
            context->saved_data["master"].toTensor().abs().ge(kBf16Overflow), 0);
      }
      context->saved_data["gradient"].toTensor().add_(incoming);
    }
    return {at::Tensor(), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor round_to_bf16(const at::Tensor& values) { return values.to(at::kBFloat16); }

at::Tensor round_through_bf16(const at::Tensor& values) {
  return values.to(at::kBFloat16).to(at::kFloat);
}

at::Tensor straight_through(const at::Tensor& master, const at::Tensor& rounded,
                            const at::Tensor& gradient, bool mask_overflow) {
  TORCH_CHECK(master.sizes() == rounded.sizes() && master.sizes() == gradient.sizes(),
              "straight_through: master ", master.sizes(), ", rounded ", rounded.sizes(),
              " and gradient ", gradient.sizes(), " differ in shape");
  return StraightThrough::apply(master, rounded, gradient, mask_overflow);
}

}  // namespace spillway::trainer
