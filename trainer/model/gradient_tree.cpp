#include "trainer/model/gradient_tree.hpp"

#include <ATen/ATen.h>

namespace spillway::trainer {

void GradientTree::add(const at::Tensor& accumulator, int microbatch, bool last,
                       std::int64_t numel) {
  // The bits of `microbatch` say at which levels a sum waits; its low ones are full neighbours.
  std::size_t l = 0;
  for (auto bits = static_cast<unsigned>(microbatch); bits != 0; bits >>= 1U, ++l) {
    const bool waiting = (bits & 1U) != 0;
    if (!waiting && !last) break;
    if (waiting) accumulator.add_(level(l, accumulator, numel));
  }
  if (last) return;
  level(l, accumulator, numel).copy_(accumulator);
  accumulator.zero_();
}

at::Tensor GradientTree::level(std::size_t l, const at::Tensor& like, std::int64_t numel) {
  while (levels_.size() <= l) levels_.push_back(at::empty({numel}, like.options()));
  return levels_[l].narrow(0, like.storage_offset(), like.numel()).view(like.sizes());
}

}  // namespace spillway::trainer
