#include "trainer/kernels/norm.hpp"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <tuple>

#include "trainer/kernels/norm_rows.hpp"

namespace spillway::trainer {
namespace {

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

void check(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& bias) {
  const auto fits = [&](const at::Tensor& weight) {
    return weight.dim() == 1 && weight.size(0) == x.size(-1) &&
           weight.scalar_type() == at::kFloat && weight.is_contiguous();
  };
  TORCH_CHECK(x.scalar_type() == at::kFloat || x.scalar_type() == at::kBFloat16, "norm: x is ",
              x.scalar_type(), "; valid: float32 or bfloat16");
  TORCH_CHECK(fits(gain) && (!bias.defined() || fits(bias)), "norm: weights of x ", x.sizes(),
              " must be contiguous float32 of its last dim");
}

Normed norm_rows(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& bias,
                 double epsilon) {
  const std::int64_t count = x.numel() / x.size(-1);
  const auto options = x.options().dtype(at::kFloat);
  Normed normed{.y = at::empty_like(x),
                .mean = bias.defined() ? at::empty({count}, options) : at::Tensor(),
                .scale = at::empty({count}, options)};
  const kernels::NormRows rows = rows_of(x, gain, bias, normed.mean, normed.scale);
  at::parallel_for(0, count, kBlock, [&](std::int64_t begin, std::int64_t end) {
    kernels::norm_forward(rows, static_cast<float>(epsilon), normed.y.mutable_data_ptr(), begin,
                          end);
  });
  return normed;
}

NormGradients norm_rows_backward(const at::Tensor& x, const at::Tensor& dy, const at::Tensor& gain,
                                 const at::Tensor& bias, const Normed& normed) {
  const kernels::NormRows rows = rows_of(x, gain, bias, normed.mean, normed.scale);
  const std::int64_t count = x.numel() / rows.width;
  const std::int64_t blocks = (count + kBlock - 1) / kBlock;
  const auto options = x.options().dtype(at::kFloat);
  const at::Tensor gain_sums = at::zeros({blocks, rows.width}, options);
  const at::Tensor bias_sums =
      bias.defined() ? at::zeros({blocks, rows.width}, options) : at::Tensor();
  at::Tensor dx = at::empty_like(x);
  at::parallel_for(0, blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t offset = block * rows.width;
      kernels::norm_backward(rows, dy.const_data_ptr(), dx.mutable_data_ptr(),
                             data(gain_sums) + offset,
                             bias.defined() ? data(bias_sums) + offset : nullptr, block * kBlock,
                             std::min(count, (block + 1) * kBlock));
    }
  });
  return {dx, gain_sums.sum(0), bias.defined() ? bias_sums.sum(0) : at::Tensor()};
}

}  // namespace

Normed norm_forward(const at::Tensor& x, const at::Tensor& gain, const at::Tensor& bias,
                    double epsilon) {
  check(x, gain, bias);
  if (x.is_cpu()) return norm_rows(x.contiguous(), gain, bias, epsilon);
  const at::Tensor wide = x.to(at::kFloat);
  Normed normed;
  if (bias.defined()) {
    std::tie(normed.y, normed.mean, normed.scale) =
        at::native_layer_norm(wide, {x.size(-1)}, gain, bias, epsilon);
  } else {
    std::tie(normed.y, normed.scale) = at::_fused_rms_norm(wide, {x.size(-1)}, gain, epsilon);
  }
  normed.y = normed.y.to(x.scalar_type());
  return normed;
}

NormGradients norm_backward(const at::Tensor& x, const at::Tensor& dy, const at::Tensor& gain,
                            const at::Tensor& bias, const Normed& normed) {
  if (x.is_cpu()) {
    return norm_rows_backward(x.contiguous(), dy.to(x.scalar_type()).contiguous(), gain, bias,
                              normed);
  }
  const at::Tensor wide = x.to(at::kFloat), slope = dy.to(at::kFloat);
  NormGradients gradients;
  if (bias.defined()) {
    std::tie(gradients.x, gradients.gain, gradients.bias) = at::native_layer_norm_backward(
        slope, wide, {x.size(-1)}, normed.mean, normed.scale, gain, bias, {true, true, true});
  } else {
    std::tie(gradients.x, gradients.gain) =
        at::_fused_rms_norm_backward(slope, wide, {x.size(-1)}, normed.scale, gain, {true, true});
  }
  gradients.x = gradients.x.to(x.scalar_type());
  return gradients;
}

}  // namespace spillway::trainer
