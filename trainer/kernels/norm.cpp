#include "trainer/kernels/norm.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

#include "trainer/kernels/norm_rows.hpp"

namespace spillway::trainer {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

/// Rows whose weight gradients are summed together before the sums are added up: the order of
/// additions is fixed by it, not by the number of threads.
constexpr std::int64_t kBlock = 64;

float* data(const at::Tensor& tensor) {
  return tensor.defined() ? tensor.mutable_data_ptr<float>() : nullptr;
}

/// mean and scale may be undefined where there is nothing to keep them in.
kernels::NormRows rows_of(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& bias,
                          const at::Tensor& mean, const at::Tensor& scale) {
  kernels::NormRows rows;
  rows.bf16 = x.scalar_type() == at::kBFloat16;
  rows.width = x.size(-1);
  rows.x = x.const_data_ptr();
  rows.gain = gain.const_data_ptr<float>();
  rows.bias = bias.defined() ? bias.const_data_ptr<float>() : nullptr;
  rows.mean = data(mean);
  rows.scale = data(scale);
  return rows;
}

struct Gradients {
  at::Tensor x, gain, bias;
};

Gradients gradients(const kernels::NormRows& rows, const at::Tensor& x, const at::Tensor& dy) {
  const std::int64_t count = x.numel() / rows.width;
  const std::int64_t blocks = (count + kBlock - 1) / kBlock;
  const bool biased = rows.bias != nullptr;
  const auto options = x.options().dtype(at::kFloat);
  const at::Tensor gain_sums = at::zeros({blocks, rows.width}, options);
  const at::Tensor bias_sums = biased ? at::zeros({blocks, rows.width}, options) : at::Tensor();
  at::Tensor dx = at::empty_like(x);
  at::parallel_for(0, blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t offset = block * rows.width;
      kernels::norm_backward(rows, dy.const_data_ptr(), dx.mutable_data_ptr(),
                             data(gain_sums) + offset, biased ? data(bias_sums) + offset : nullptr,
                             block * kBlock, std::min(count, (block + 1) * kBlock));
    }
  });
  return {dx, gain_sums.sum(0), biased ? bias_sums.sum(0) : at::Tensor()};
}

struct FusedNorm : torch::autograd::Function<FusedNorm> {
  static at::Tensor forward(AutogradContext* context, const at::Tensor& input,
                            const at::Tensor& gain, const std::optional<at::Tensor>& given_bias,
                            double epsilon) {
    const at::Tensor bias = given_bias.value_or(at::Tensor());
    const at::Tensor x = input.contiguous();
    const std::int64_t count = x.numel() / x.size(-1);
    const auto options = x.options().dtype(at::kFloat);
    const at::Tensor scale = at::empty({count}, options);
    const at::Tensor mean = bias.defined() ? at::empty({count}, options) : at::Tensor();
    const kernels::NormRows rows = rows_of(x, gain, bias, mean, scale);
    at::Tensor y = at::empty_like(x);
    at::parallel_for(0, count, kBlock, [&](std::int64_t begin, std::int64_t end) {
      kernels::norm_forward(rows, static_cast<float>(epsilon), y.mutable_data_ptr(), begin, end);
    });
    context->save_for_backward({x, gain, bias, mean, scale});
    return y;
  }

  static variable_list backward(AutogradContext* context, variable_list output_gradients) {
    const variable_list saved = context->get_saved_variables();
    const at::Tensor& x = saved[0];
    const kernels::NormRows rows = rows_of(x, saved[1], saved[2], saved[3], saved[4]);
    const at::Tensor dy = output_gradients[0].to(x.scalar_type()).contiguous();
    Gradients result = gradients(rows, x, dy);
    return {result.x, result.gain, result.bias, at::Tensor()};
  }
};

}  // namespace

at::Tensor fused_norm(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& bias,
                      double epsilon) {
  const auto fits = [&](const at::Tensor& weight) {
    return weight.dim() == 1 && weight.size(0) == x.size(-1) &&
           weight.scalar_type() == at::kFloat && weight.is_contiguous();
  };
  TORCH_CHECK(x.is_cpu() && (x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16),
              "fused_norm: x is ", x.scalar_type(), " on ", x.device(),
              "; valid: float32 or bfloat16 on the CPU");
  TORCH_CHECK(fits(gain) && (!bias.defined() || fits(bias)), "fused_norm: weights of x ", x.sizes(),
              " must be contiguous float32 of its last dim");
  const auto given_bias = bias.defined() ? std::optional(bias) : std::nullopt;
  return FusedNorm::apply(x, gain, given_bias, epsilon);
}

}  // namespace spillway::trainer
