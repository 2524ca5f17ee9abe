#include "trainer/model/gradient_tree.hpp"

#include <ATen/ATen.h>

namespace spillway::trainer {

void GradientTree::add(const at::Tensor& accumulator, int microbatch, bool last) {
  // The bits of `microbatch` say at which levels a sum waits; its low ones are full neighbours.
  std::size_t l = 0;
  for (auto bits = static_cast<unsigned>(microbatch); bits != 0; bits >>= 1U, ++l) {
    const bool has = (bits & 1U) != 0;
    if (!has && !last) break;
    if (has) accumulator.add_(waiting(l, accumulator));
  }
  if (last) return;
  waiting(l, accumulator).copy_(accumulator);
  accumulator.zero_();
}

at::Tensor GradientTree::waiting(std::size_t l, const at::Tensor& accumulator) {
  while (levels_.size() <= l) levels_.push_back(at::empty_like(accumulators_));
  return levels_[l]
      .narrow(0, accumulator.storage_offset(), accumulator.numel())
      .view(accumulator.sizes());
}

}  // namespace spillway::trainer
