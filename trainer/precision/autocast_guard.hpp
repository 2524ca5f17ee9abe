#pragma once

#include <c10/core/DeviceType.h>
#include <c10/core/ScalarType.h>

namespace spillway::trainer {

/// Autocast to bfloat16 on this thread while it lives; the state before is restored afterwards. For
/// forward passes only: a backward inside it would cast a second time (pytorch#125186). LibTorch
/// keeps the casts of weights in a process-wide cache without a version check, so a forward after
/// an optimizer step would read stale weights. The outermost guard clears the cache when it goes.
class AutocastGuard {
 public:
  explicit AutocastGuard(c10::DeviceType device);
  ~AutocastGuard();
  AutocastGuard(const AutocastGuard&) = delete;
  AutocastGuard& operator=(const AutocastGuard&) = delete;

 private:
  c10::DeviceType device_;
  bool was_enabled_;
  c10::ScalarType previous_type_;
};

}  // namespace spillway::trainer
