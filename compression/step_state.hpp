#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>

#include <utility>

namespace spillway::compression {

/// A tensor that changes once a step, and only for good when all ranks keep the step. Holds the old
/// and the new value side by side (twice the memory), so that neither keeping nor taking back
/// copies anything.
class StepState {
 public:
  /// Value at the beginning of the step; undefined until one was kept or set.
  const at::Tensor& current() const { return current_; }
  void set(at::Tensor value) {
    current_ = std::move(value);
    changed_ = false;
  }
  /// Room for the new value, shaped like `like`; its content is undefined.
  at::Tensor& next(const at::Tensor& like) {
    if (!next_.defined())
      next_ = at::empty_like(like, like.options(), at::MemoryFormat::Contiguous);
    changed_ = true;
    return next_;
  }
  bool changed() const { return changed_; }
  /// Ends the step: the new value becomes current, or is forgotten.
  void end_step(bool keep) {
    if (changed_ && keep) std::swap(current_, next_);
    changed_ = false;
  }

 private:
  at::Tensor current_, next_;
  bool changed_ = false;
};

}  // namespace spillway::compression
