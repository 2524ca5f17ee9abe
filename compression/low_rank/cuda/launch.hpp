#pragma once

#include <cuda_runtime_api.h>

#include "compression/low_rank/cuda/kernel.hpp"

namespace spillway::compression::batched {

/// Queues a kernel of at least one block on `stream`, which belongs to the current device.
cudaError_t launch(Kernel kernel, std::int64_t blocks, const Batch& batch, cudaStream_t stream);

}  // namespace spillway::compression::batched
