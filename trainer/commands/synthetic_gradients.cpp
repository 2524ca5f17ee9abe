#include "trainer/commands/synthetic_gradients.hpp"

#include <ATen/Context.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>

#include "compression/low_rank/low_rank_shape.hpp"

namespace spillway::trainer {
namespace {

constexpr std::int64_t kSignalRank = 16;

at::Generator generator(std::uint64_t seed, at::Device device) {
  at::Generator made = at::globalContext().defaultGenerator(device).clone();
  made.set_current_seed(seed);
  return made;
}

void fill(const at::Tensor& out, const compression::LowRankShape& shape,
          const at::Generator& generator) {
  const std::int64_t r = shape.approximation_rank;
  if (r == 0) return;
  const at::Tensor left = at::empty({shape.rows, r}, out.options()).normal_(0, 1, generator);
  const at::Tensor right = at::empty({r, shape.columns}, out.options()).normal_(0, 1, generator);
  double squares = 0;
  for (std::int64_t k = 0; k < r; ++k) {
    const double value = 1.0 / static_cast<double>(k + 1);
    right.select(0, k).mul_(value);
    squares += value * value;
  }
  out.view({shape.rows, shape.columns}).copy_(at::mm(left, right).div_(std::sqrt(squares)));
}

}  // namespace

SyntheticGradients::SyntheticGradients(const std::vector<compression::ParameterShape>& parameters,
                                       std::uint64_t seed, int rank, at::Device device) {
  std::int64_t total = 0;
  for (const auto& [name, shape] : parameters) total += c10::multiply_integers(shape);
  flat_ = at::empty({total}, at::TensorOptions(at::kFloat).device(device));
  const std::uint64_t own_seed = seed + 1 + static_cast<std::uint64_t>(rank);
  noise_ = at::empty_like(flat_).normal_(0, 1, generator(own_seed, device));
  signal_ = at::empty_like(flat_);
  const at::Generator shared = generator(seed, device);
  std::int64_t offset = 0;
  for (const auto& [name, shape] : parameters) {
    const std::int64_t numel = c10::multiply_integers(shape);
    named_.push_back({name, flat_.narrow(0, offset, numel).view(shape)});
    fill(signal_.narrow(0, offset, numel), compression::low_rank_shape(shape, kSignalRank), shared);
    offset += numel;
  }
}

void SyntheticGradients::write(std::int64_t step) {
  // The noise is a long table that moves on.
  const std::int64_t total = flat_.numel(), shift = step * 7919 % std::max<std::int64_t>(total, 1);
  flat_.narrow(0, 0, shift).copy_(noise_.narrow(0, total - shift, shift));
  flat_.narrow(0, shift, total - shift).copy_(noise_.narrow(0, 0, total - shift));
  flat_.add_(signal_);
}

}  // namespace spillway::trainer
