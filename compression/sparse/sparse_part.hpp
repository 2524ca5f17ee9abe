#pragma once

#include <ATen/core/Tensor.h>

#include "compression/compressor.hpp"

namespace spillway::compression {

/// Elements that are sent of a tensor of `numel`: density x numel, rounded up; at least one unless
/// it is empty.
std::int64_t sparse_count(std::int64_t numel, double density);

/// Gradient and error together, as one vector: in the memory of the error that will be kept, else
/// (without feedback) the gradient itself.
at::Tensor with_error(const Piece& piece);

/// Takes `sent` [k] at `indices` [k] (int32) out of with_error(), which is now what is kept.
void keep_rest(const Piece& piece, const at::Tensor& indices, const at::Tensor& sent);

/// Replaces the gradient by nan, on every replica alike, and leaves the error as it was.
void give_up(const Piece& piece);

}  // namespace spillway::compression
