#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/ops/empty.h>

#include <cstddef>
#include <vector>

namespace spillway::compression {

/// Scratch memory of one compressor, which works on one bucket after the other: buffers by number,
/// each as large as the largest one asked for so far, so that nothing is allocated after the first
/// step.
class Workspace {
 public:
  /// A 1-D tensor of undefined content, valid until the same number is asked for again.
  at::Tensor get(std::size_t number, std::int64_t numel, const at::TensorOptions& options) {
    if (number >= buffers_.size()) buffers_.resize(number + 1);
    at::Tensor& buffer = buffers_[number];
    const bool fits = buffer.defined() && buffer.numel() >= numel &&
                      buffer.scalar_type() == c10::typeMetaToScalarType(options.dtype()) &&
                      buffer.device() == options.device();
    if (!fits) buffer = at::empty({numel}, options);
    return buffer.narrow(0, 0, numel);
  }

 private:
  std::vector<at::Tensor> buffers_;
};

}  // namespace spillway::compression
