#pragma once

namespace spillway::compression {

/// Makes the kernels for batches known for CUDA tensors, see batches.hpp; called once, by main,
/// before the first exchange. In library spillway_compression_cuda, whose source is
/// cuda_batches.cpp, or no_cuda_batches.cpp in a build without CUDA, where it does nothing: there
/// are no CUDA tensors then.
void enable_cuda_batches();

}  // namespace spillway::compression
