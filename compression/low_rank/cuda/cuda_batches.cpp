#include "compression/low_rank/cuda/cuda_batches.hpp"

#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include <memory>

#include "compression/low_rank/batches.hpp"
#include "compression/low_rank/cuda/kernel_batch.hpp"
#include "compression/low_rank/cuda/launch.hpp"

namespace spillway::compression {
namespace {

class CudaLauncher final : public batched::Launcher {
 public:
  void launch(batched::Kernel kernel, std::int64_t blocks, const batched::Batch& batch) override {
    C10_CUDA_CHECK(batched::launch(kernel, blocks, batch, c10::cuda::getCurrentCUDAStream()));
  }
};

std::unique_ptr<LowRankBatch> make_cuda_batch() {
  return std::make_unique<batched::KernelBatch>(std::make_unique<CudaLauncher>());
}

}  // namespace

void enable_cuda_batches() {
  set_batch_kernels(at::kCUDA, {.largest_rank = batched::kMaxRank, .make = make_cuda_batch});
}

}  // namespace spillway::compression
