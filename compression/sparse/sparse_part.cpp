#include "compression/sparse/sparse_part.hpp"

#include <ATen/ops/add.h>

#include <cmath>
#include <limits>

namespace spillway::compression {

std::int64_t sparse_count(std::int64_t numel, double density) {
  const double wanted = std::ceil(density * static_cast<double>(numel));
  return std::min(numel, static_cast<std::int64_t>(wanted));
}

at::Tensor with_error(const Piece& piece) {
  if (!piece.feedback) return piece.gradient.view(-1);
  at::Tensor sum = piece.feedback->next(piece.gradient);
  const at::Tensor error = piece.error_as(piece.gradient);
  error.defined() ? at::add_out(sum, piece.gradient, error) : sum.copy_(piece.gradient);
  return sum.view(-1);
}

void keep_rest(const Piece& piece, const at::Tensor& indices, const at::Tensor& sent) {
  if (!piece.feedback) return;
  const at::Tensor rest = piece.feedback->next(piece.gradient).view(-1);
  rest.index_add_(0, indices, sent, -1);
  piece.feedback->measure_next(rest);
}

void give_up(const Piece& piece) {
  piece.gradient.fill_(std::numeric_limits<float>::quiet_NaN());
  if (piece.feedback) piece.feedback->leave();
}

}  // namespace spillway::compression
