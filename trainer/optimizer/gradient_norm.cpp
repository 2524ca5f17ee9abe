#include "trainer/optimizer/gradient_norm.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>

namespace spillway::trainer {
namespace {

/// Elements squared in float64 at a time: the temporary stays in cache.
constexpr std::int64_t kPiece = 1 << 15;

/// Sums of squares of the pieces, then their sum in order; on the gradient's device, 0-dim float64.
at::Tensor squared_norm(const at::Tensor& gradient) {
  const at::Tensor flat = gradient.view({-1});
  at::Tensor sum = at::zeros({}, flat.options().dtype(at::kDouble));
  for (std::int64_t begin = 0; begin < flat.numel(); begin += kPiece) {
    const at::Tensor piece =
        flat.narrow(0, begin, std::min(kPiece, flat.numel() - begin)).to(at::kDouble);
    sum.add_(at::dot(piece, piece));
  }
  return sum;
}

}  // namespace

std::vector<SquaredNorm> squared_norms(const ParameterStore& store) {
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> values;
  std::vector<SquaredNorm> norms;
  for (const Parameter& parameter : store.parameters()) {
    if (parameter.spec.tied_copy) continue;
    values.push_back(squared_norm(parameter.gradient));
    norms.push_back({.index = parameter.spec.index});
  }
  if (norms.empty()) return norms;
  const at::Tensor together = at::stack(values).cpu();  // one transfer for all
  for (std::size_t i = 0; i < norms.size(); ++i)
    norms[i].value = together.const_data_ptr<double>()[i];
  return norms;
}

double global_norm(std::vector<SquaredNorm> norms) {
  std::ranges::sort(norms, {}, &SquaredNorm::index);
  double sum = 0;
  for (const SquaredNorm& norm : norms) sum += norm.value;
  return std::sqrt(sum);
}

double clip_coefficient(double norm, double clip_norm) {
  return clip_norm > 0 && norm > clip_norm ? clip_norm / norm : 1.0;
}

bool all_finite(const at::Tensor& values) {
  const at::NoGradGuard no_grad;
  // A sum carries every NaN and Inf along; one that only overflowed is looked at again.
  return std::isfinite(values.sum().item<float>()) || at::isfinite(values).all().item<bool>();
}

}  // namespace spillway::trainer
