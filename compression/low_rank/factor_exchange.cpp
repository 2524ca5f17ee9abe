#include "compression/low_rank/factor_exchange.hpp"

#include "compression/low_rank/copy_all.hpp"

namespace spillway::compression {
namespace {

enum Buffer : std::uint8_t { kLeft, kRight, kOwnRight };

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
  LowRankBatch& batch = batches_.start(matrices_);
  for (std::int64_t i = 0; i < iterations; ++i) {
    send_left(batch, i == 0);
    send_right(batch);
  }
  rebuild(batch, matrices);
}

void FactorExchange::lay_out(std::span<Factored> matrices, std::span<at::Tensor> whole) {
  left_factors_ = 0;
  std::int64_t right = 0, numel = 0;
  for (const Factored& matrix : matrices) {
    left_factors_ += matrix.start_q_RN.size(0) * matrix.grad_MN.size(0);
    right += matrix.start_q_RN.numel();
  }
  for (const at::Tensor& gradient : whole) numel += gradient.numel();
  const at::TensorOptions options =
      matrices.empty() ? whole.front().options() : matrices.front().grad_MN.options();
  left_ = workspace_.get(kLeft, left_factors_ + numel, options);
  right_ = workspace_.get(kRight, right, options);
  own_right_ = global_ ? right_ : workspace_.get(kOwnRight, right, options);
  Cutter lefts(left_), rights(right_), own(own_right_);
  matrices_.clear();
  std::vector<at::Tensor> q, start_q;
  for (Factored& matrix : matrices) {
    const std::int64_t rank = matrix.start_q_RN.size(0), rows = matrix.grad_MN.size(0);
    matrix.q_RN = rights.next(matrix.start_q_RN.numel()).view_as(matrix.start_q_RN);
    LowRankMatrix& part = matrices_.emplace_back();
    part.grad_MN = matrix.grad_MN;
    part.error_MN = matrix.error_MN;
    part.p_RM = part.own_p_RM = lefts.next(rank * rows).view({rank, rows});
    part.q_RN = matrix.q_RN;
    part.own_q_RN = own.next(matrix.q_RN.numel()).view_as(matrix.q_RN);
    if (matrix.feedback) part.kept_MN = matrix.feedback->next(matrix.grad_MN);
    q.push_back(matrix.q_RN);
    start_q.push_back(matrix.start_q_RN);
  }
  copy_all(q, start_q);
  whole_.assign(whole.begin(), whole.end());
  whole_parts_.clear();
  for (const at::Tensor& gradient : whole) whole_parts_.push_back(lefts.next(gradient.numel()));
}

/// P = sum over replicas of (gradient + error) Q^T, and of the gradients that travel whole.
void FactorExchange::send_left(LowRankBatch& batch, bool first) {
  {
    const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::compress_seconds);
    batch.orthogonalize(Side::right);
    batch.project(first);
    if (first) copy_all(whole_parts_, whole_);
  }
  at::Tensor payload = first ? left_ : left_.narrow(0, 0, left_factors_);
  wire_.sum(payload);
  if (!first || whole_.empty()) return;
  const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::decompress_seconds);
  left_.narrow(0, left_factors_, left_.numel() - left_factors_).div_(wire_.replicas());
  copy_all(whole_, whole_parts_);
}

/// Q = mean over replicas of orth(P) (gradient + error).
void FactorExchange::send_right(LowRankBatch& batch) {
  if (matrices_.empty()) return;
  {
    const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::compress_seconds);
    batch.check_finite(Side::left);
    batch.orthogonalize(Side::left);
    batch.project_transposed();
    if (!global_) own_right_.copy_(wire_.as_sent(right_));
  }
  wire_.sum(right_);
  const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::decompress_seconds);
  right_.div_(wire_.replicas());
  batch.check_finite(Side::right);
}

/// Gradient = P^T Q; keeps what was not sent.
void FactorExchange::rebuild(LowRankBatch& batch, std::span<Factored> matrices) {
  const Meter::Timer timer(wire_.meter(), &ExchangeStatistics::decompress_seconds);
  batch.reconstruct();
  batch.finish();
  for (std::size_t i = 0; i < matrices.size(); ++i) {
    Factored& matrix = matrices[i];
    matrix.finite = matrices_[i].finite;
    if (!matrix.feedback) continue;
    if (matrix.finite) {
      matrix.feedback->set_next_squares(matrices_[i].kept_squares);
    } else {
      matrix.feedback->leave();
    }
  }
  matrices_.clear();  // they hold on to gradients and errors
  whole_.clear();
}

}  // namespace spillway::compression
