#pragma once

#include <ATen/core/Tensor.h>

#include <utility>
#include <vector>

namespace spillway::trainer {

/// Sums the gradients of a step's micro-batches in a fixed binary tree over their index: leaves
/// 2k and 2k+1 first, then pairs of pairs, a right edge that is not full as it is. Where replicas
/// hold 2^l consecutive micro-batches each, every one has a whole subtree, and a sum over replicas
/// in the same tree has the same bits for any number of them.
///
/// Memory: one buffer of all gradients for each bit of the number of micro-batches but the first,
/// log2(m) of them.
class GradientTree {
 public:
  /// `accumulators`: the flat buffer that every accumulator is a view of.
  explicit GradientTree(at::Tensor accumulators) : accumulators_(std::move(accumulators)) {}

  /// `accumulator` holds the gradient of this micro-batch alone; micro-batches come in the order of
  /// their index. Moves it into the tree and leaves zeros; with the `last` micro-batch of the step,
  /// the sum of all.
  void add(const at::Tensor& accumulator, int microbatch, bool last);

 private:
  /// What waits at level l for this accumulator.
  at::Tensor waiting(std::size_t l, const at::Tensor& accumulator);

  at::Tensor accumulators_;
  /// levels_[l]: sums of 2^l micro-batches that wait for their neighbours.
  std::vector<at::Tensor> levels_;
};

}  // namespace spillway::trainer
