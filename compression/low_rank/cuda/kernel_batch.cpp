#include "compression/low_rank/cuda/kernel_batch.hpp"

#include <ATen/ops/_foreach_add.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>

#include <cstring>
#include <vector>

namespace spillway::compression::batched {
namespace {

float* data(const at::Tensor& tensor) {
  if (!tensor.defined()) return nullptr;
  TORCH_CHECK(tensor.scalar_type() == at::kFloat && tensor.is_contiguous(),
              "low-rank batch: tensor ", tensor.sizes(), " of ", tensor.scalar_type(),
              " must be float32 and contiguous");
  return tensor.mutable_data_ptr<float>();
}

Matrix describe(const LowRankMatrix& matrix) {
  Matrix m;
  m.rows = matrix.grad_MN.size(0);
  m.columns = matrix.grad_MN.size(1);
  const std::int64_t rank = matrix.p_RM.size(0);
  TORCH_CHECK(rank >= 1 && rank <= kMaxRank && rank <= m.rows && rank <= m.columns,
              "low-rank batch: rank ", rank, " of a matrix ", matrix.grad_MN.sizes(),
              "; valid: 1 to ", kMaxRank, ", at most its rows and columns");
  m.rank = static_cast<int>(rank);
  m.grad = data(matrix.grad_MN);
  m.error = data(matrix.error_MN);
  m.p = data(matrix.p_RM);
  m.q = data(matrix.q_RN);
  m.own_p = data(matrix.own_p_RM);
  m.own_q = data(matrix.own_q_RN);
  m.kept = data(matrix.kept_MN);
  return m;
}

std::byte* bytes(const at::Tensor& tensor) {
  return static_cast<std::byte*>(tensor.mutable_data_ptr());
}

}  // namespace

void KernelBatch::start(std::span<LowRankMatrix> matrices) {
  matrices_ = matrices;
  if (matrices.empty()) return;
  std::vector<Matrix> described;
  described.reserve(matrices.size());
  for (const LowRankMatrix& matrix : matrices) described.push_back(describe(matrix));
  plan_.make(described);
  const at::Device device = matrices.front().grad_MN.device();
  const at::TensorOptions options = at::TensorOptions().dtype(at::kByte);
  memory_ = device_.get(0, static_cast<std::int64_t>(plan_.bytes()), options.device(device));
  const auto table_bytes = static_cast<std::int64_t>(plan_.table_bytes());
  tables_ = host_.get(0, table_bytes, options.pinned_memory(!device.is_cpu()));
  plan_.write_tables(bytes(tables_), bytes(memory_));
  memory_.narrow(0, 0, table_bytes).copy_(tables_, true);
  batch_ = plan_.view(bytes(memory_));
}

void KernelBatch::launch(Kernel kernel, std::int64_t blocks) {
  if (!matrices_.empty()) launcher_->launch(kernel, blocks, batch_);
}

void KernelBatch::add_error() {
  std::vector<at::Tensor> gradients, errors;
  for (const LowRankMatrix& matrix : matrices_) {
    if (!matrix.error_MN.defined()) continue;
    gradients.push_back(matrix.grad_MN);
    errors.push_back(matrix.error_MN);
  }
  if (!gradients.empty()) at::_foreach_add_(gradients, errors);
}

void KernelBatch::orthogonalize(Side side) {
  batch_.side = side;
  const std::int64_t tiles = plan_.blocks(side == Side::left ? kLeftColumns : kRightColumns);
  launch(Kernel::gram, tiles);
  launch(Kernel::cholesky, plan_.count());
  launch(Kernel::gram_again, tiles);
  launch(Kernel::cholesky_again, plan_.count());
  launch(Kernel::normalize, tiles);
  launch(Kernel::gram_schmidt, plan_.count());
}

void KernelBatch::project(bool add_error) {
  batch_.add_error = add_error;
  launch(Kernel::project, plan_.blocks(kGradientTiles));
  sum_parts(Side::left);
}

void KernelBatch::project_transposed() {
  launch(Kernel::project_transposed, plan_.blocks(kTallTiles));
  sum_parts(Side::right);
}

void KernelBatch::sum_parts(Side side) {
  batch_.side = side;
  launch(Kernel::sum_parts, plan_.blocks(side == Side::left ? kLeftElements : kRightElements));
}

void KernelBatch::check_finite(Side side) {
  batch_.side = side;
  launch(Kernel::check_finite, plan_.blocks(side == Side::left ? kLeftElements : kRightElements));
}

void KernelBatch::reconstruct() {
  launch(Kernel::reconstruct, plan_.blocks(kGradientTiles));
  launch(Kernel::sum_squares, plan_.count());
}

void KernelBatch::finish() {
  if (matrices_.empty()) return;
  const auto at = static_cast<std::int64_t>(plan_.outcomes_at());
  const auto size = static_cast<std::int64_t>(plan_.table_bytes()) - at;
  tables_.narrow(0, at, size).copy_(memory_.narrow(0, at, size), true);
  const at::Device device = memory_.device();
  if (!device.is_cpu()) c10::impl::VirtualGuardImpl(device.type()).getStream(device).synchronize();
  std::vector<Outcome> outcomes(matrices_.size());
  std::memcpy(outcomes.data(), bytes(tables_) + at, static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < outcomes.size(); ++i) {
    matrices_[i].finite = outcomes[i].finite != 0;
    matrices_[i].kept_squares = outcomes[i].kept_squares;
  }
}

}  // namespace spillway::compression::batched
