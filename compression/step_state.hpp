#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty_like.h>

#include <cstdint>
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
    change_ = Change::none;
  }
  /// Room for the new value, shaped like `like`; its content is undefined.
  at::Tensor next(const at::Tensor& like) {
    if (!next_.defined() || next_.numel() != like.numel())
      next_ = at::empty_like(like, like.options(), at::MemoryFormat::Contiguous);
    change_ = Change::next;
    next_ = next_.view(like.sizes());
    return next_;
  }
  /// There is no new value: after the step there is none at all.
  void drop() { change_ = Change::dropped; }
  /// next() is forgotten.
  void leave() { change_ = Change::none; }
  bool changed() const { return change_ != Change::none; }
  /// Ends the step: the new value becomes current, or is forgotten.
  void end_step(bool keep) {
    if (keep && change_ == Change::next) std::swap(current_, next_);
    if (keep && change_ == Change::dropped) current_.reset();
    change_ = Change::none;
  }

 private:
  enum class Change : std::uint8_t { none, next, dropped };

  at::Tensor current_, next_;
  Change change_ = Change::none;
};

}  // namespace spillway::compression
