#include "compression/low_rank/cuda/bodies.hpp"
#include "compression/low_rank/cuda/launch.hpp"

namespace spillway::compression::batched {
namespace {

/// A block of a kernel on a GPU, see bodies.hpp.
class DeviceBlock {
 public:
  __device__ std::int64_t index() const { return blockIdx.x; }
  template <class Thread>
  __device__ void each_thread(const Thread& thread) const {
    thread(static_cast<int>(threadIdx.x));
    __syncthreads();
  }
};

template <class Body>
__global__ void __launch_bounds__(kThreads) run_block(const Batch batch) {
  __shared__ typename Body::Shared shared;
  Body::run(DeviceBlock(), batch, shared);
}

}  // namespace

cudaError_t launch(Kernel kernel, std::int64_t blocks, const Batch& batch, cudaStream_t stream) {
  with_body(kernel, [&]<class Body>() {
    run_block<Body><<<static_cast<unsigned>(blocks), kThreads, 0, stream>>>(batch);
  });
  return cudaGetLastError();
}

}  // namespace spillway::compression::batched
