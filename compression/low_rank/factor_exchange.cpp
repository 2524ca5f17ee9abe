#include "compression/low_rank/factor_exchange.hpp"

#include <ATen/ops/isfinite.h>

#include <limits>

#include "compression/low_rank/orthogonalize.hpp"
#include "compression/low_rank/skinny_gemm.hpp"

namespace spillway::compression {
namespace {

enum Buffer : std::uint8_t { kLeft, kRight, kOwnRight };

bool all_finite(const at::Tensor& tensor) { return at::isfinite(tensor).all().item<bool>(); }

/// Cuts `buffer` into consecutive pieces.
class Cutter {
 public:
  explicit Cutter(const at::Tensor& buffer) : buffer_(buffer) {}
  at::Tensor next(std::int64_t numel) {
    offset_ += numel;
    return buffer_.narrow(0, offset_ - numel, numel);
  }

 private:
  const at::Tensor& buffer_;
  std::int64_t offset_ = 0;
};

}  // namespace

void FactorExchange::run(std::span<Factored> matrices, std::span<at::Tensor> whole,
                         std::int64_t iterations) {
  lay_out(matrices, whole);
  for (std::int64_t i = 0; i < iterations; ++i) {
    send_left(matrices, i == 0 ? whole : std::span<at::Tensor>(), i == 0);
    send_right(matrices);
  }
  rebuild(matrices);
}

void FactorExchange::lay_out(std::span<Factored> matrices, std::span<at::Tensor> whole) {
  std::int64_t left = 0, right = 0;
  for (const Factored& matrix : matrices) {
    left += matrix.start_q_RN.size(0) * matrix.grad_MN.size(0);
    right += matrix.start_q_RN.numel();
  }
  for (const at::Tensor& gradient : whole) left += gradient.numel();
  const at::TensorOptions options =
      matrices.empty() ? whole.front().options() : matrices.front().grad_MN.options();
  left_ = workspace_.get(kLeft, left, options);
  right_ = workspace_.get(kRight, right, options);
  own_right_ = global_ ? right_ : workspace_.get(kOwnRight, right, options);
  Cutter lefts(left_), rights(right_);
  p_RM_.clear();
  for (Factored& matrix : matrices) {
    const std::int64_t rank = matrix.start_q_RN.size(0), rows = matrix.grad_MN.size(0);
    p_RM_.push_back(lefts.next(rank * rows).view({rank, rows}));
    matrix.q_RN = rights.next(matrix.start_q_RN.numel()).view_as(matrix.start_q_RN);
    matrix.q_RN.copy_(matrix.start_q_RN);
  }
}

/// P = sum over replicas of (gradient + error) Q^T, and of the gradients that travel whole.
void FactorExchange::send_left(std::span<Factored> matrices, std::span<at::Tensor> whole,
                               bool first) {
  std::int64_t numel = 0;
  for (const at::Tensor& p_RM : p_RM_) numel += p_RM.numel();
  Cutter parts(left_);
  parts.next(numel);
  {
    const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::compress_seconds);
    for (std::size_t i = 0; i < matrices.size(); ++i) {
      Factored& matrix = matrices[i];
      orthogonalize(matrix.q_RN);
      project(matrix.grad_MN, first ? matrix.error_MN : at::Tensor(), matrix.q_RN, p_RM_[i]);
    }
    for (const at::Tensor& gradient : whole) {
      parts.next(gradient.numel()).copy_(gradient);
      numel += gradient.numel();
    }
  }
  at::Tensor payload = left_.narrow(0, 0, numel);
  wire_.sum(payload);
  const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::decompress_seconds);
  Cutter sums(left_);
  for (const at::Tensor& p_RM : p_RM_) sums.next(p_RM.numel());
  for (const at::Tensor& gradient : whole)
    gradient.copy_(sums.next(gradient.numel()).div_(wire_.replicas()));
}

/// Q = mean over replicas of orth(P) (gradient + error).
void FactorExchange::send_right(std::span<Factored> matrices) {
  if (matrices.empty()) return;
  {
    const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::compress_seconds);
    for (std::size_t i = 0; i < matrices.size(); ++i) {
      Factored& matrix = matrices[i];
      matrix.finite = matrix.finite && all_finite(p_RM_[i]);
      if (!matrix.finite) {
        matrix.q_RN.zero_();
        continue;
      }
      orthogonalize(p_RM_[i]);
      project_transposed(matrix.grad_MN, p_RM_[i], matrix.q_RN);
    }
    if (!global_) own_right_.copy_(wire_.as_sent(right_));
  }
  wire_.sum(right_);
  const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::decompress_seconds);
  right_.div_(wire_.replicas());
  for (Factored& matrix : matrices) {
    matrix.finite = matrix.finite && all_finite(matrix.q_RN);
    if (!matrix.finite) matrix.q_RN.zero_();
  }
}

/// Gradient = P^T Q; keeps what was not sent.
void FactorExchange::rebuild(std::span<Factored> matrices) {
  const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::decompress_seconds);
  Cutter own(own_right_);
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    Factored& matrix = matrices[i];
    const at::Tensor own_RN = own.next(matrix.q_RN.numel()).view_as(matrix.q_RN);
    if (!matrix.finite) {
      matrix.grad_MN.fill_(std::numeric_limits<float>::quiet_NaN());
      continue;
    }
    at::Tensor error = matrix.feedback ? matrix.feedback->next(matrix.grad_MN) : at::Tensor();
    const double squares = reconstruct(matrix.grad_MN, error, p_RM_[i], matrix.q_RN, own_RN);
    if (matrix.feedback) matrix.feedback->set_next_squares(squares);
  }
}

}  // namespace spillway::compression
