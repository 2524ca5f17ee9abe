#include "compression/low_rank/cuda/cuda_batches.hpp"

namespace spillway::compression {

void enable_cuda_batches() {}

}  // namespace spillway::compression
