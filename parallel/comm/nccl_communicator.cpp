#include "parallel/comm/nccl_communicator.hpp"

#include <ATen/cuda/CUDAEvent.h>
#include <ATen/ops/zeros.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include <deque>
#include <functional>
#include <utility>
#include <vector>

#include "configs/error.hpp"
#include "parallel/comm/arguments.hpp"
#include "parallel/comm/mpi_environment.hpp"
#include "parallel/comm/mpi_handle.hpp"
#include "parallel/comm/nccl_handle.hpp"

namespace spillway::comm {
namespace {

ncclDataType_t nccl_type(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return ncclFloat32;
    case at::kBFloat16:
      return ncclBfloat16;
    case at::kHalf:
      return ncclFloat16;
    case at::kInt:
      return ncclInt32;
    case at::kLong:
      return ncclInt64;
    case at::kByte:
      return ncclUint8;
    default:
      fail("no NCCL type for " + std::string(c10::toString(type)));
  }
}

std::size_t count_of(const at::Tensor& tensor) { return static_cast<std::size_t>(tensor.numel()); }

/// An operation between two events of the communicator's stream.
struct Span {
  Operation operation;
  at::cuda::CUDAEvent begin{cudaEventDefault};
  at::cuda::CUDAEvent end{cudaEventDefault};
};

class NcclWork final : public WorkState {
 public:
  NcclWork(std::shared_ptr<Span> span, std::weak_ptr<const NcclHandle> handle)
      : span_(std::move(span)), handle_(std::move(handle)) {}

  void wait() override {
    if (const auto handle = handle_.lock()) handle->check_health();
    span_->end.block(c10::cuda::getCurrentCUDAStream(span_->end.device_index()));
  }
  bool done() override { return span_->end.query(); }

 private:
  std::shared_ptr<Span> span_;
  std::weak_ptr<const NcclHandle> handle_;  // a kept Work does not keep the group
};

class NcclCommunicator final : public Communicator {
 public:
  NcclCommunicator(NcclHandle handle, c10::DeviceIndex device)
      : Communicator(handle.rank(), handle.size()),
        handle_(std::make_shared<const NcclHandle>(std::move(handle))),
        device_(device),
        stream_(c10::cuda::getStreamFromPool(/*isHighPriority=*/true, device)),
        barrier_token_(
            at::zeros({1}, at::TensorOptions().dtype(at::kInt).device(at::kCUDA, device))) {}

  std::string backend() const override { return "nccl"; }

  Issued all_reduce(at::Tensor tensor, ReduceOp op) override {
    check_tensor(Operation::all_reduce, tensor, at::kCUDA);
    return launch(Operation::all_reduce, "ncclAllReduce", tensor, {tensor},
                  [=](ncclComm_t comm, cudaStream_t stream) {
                    return ncclAllReduce(tensor.const_data_ptr(), tensor.data_ptr(),
                                         count_of(tensor), nccl_type(tensor.scalar_type()),
                                         op == ReduceOp::sum ? ncclSum : ncclMax, comm, stream);
                  });
  }

  Issued broadcast(at::Tensor tensor, int root) override {
    check_tensor(Operation::broadcast, tensor, at::kCUDA);
    check_root(root, size());
    return launch(Operation::broadcast, "ncclBroadcast", tensor, {tensor},
                  [=](ncclComm_t comm, cudaStream_t stream) {
                    return ncclBroadcast(tensor.const_data_ptr(), tensor.data_ptr(),
                                         count_of(tensor), nccl_type(tensor.scalar_type()), root,
                                         comm, stream);
                  });
  }

  Issued all_gather(at::Tensor output, at::Tensor input) override {
    check_tensor(Operation::all_gather, output, at::kCUDA);
    check_tensor(Operation::all_gather, input, at::kCUDA);
    check_parts(Operation::all_gather, output, input, size());
    return launch(Operation::all_gather, "ncclAllGather", output, {output, input},
                  [=](ncclComm_t comm, cudaStream_t stream) {
                    return ncclAllGather(input.const_data_ptr(), output.data_ptr(), count_of(input),
                                         nccl_type(input.scalar_type()), comm, stream);
                  });
  }

  Issued reduce_scatter(at::Tensor output, at::Tensor input) override {
    check_tensor(Operation::reduce_scatter, output, at::kCUDA);
    check_tensor(Operation::reduce_scatter, input, at::kCUDA);
    check_parts(Operation::reduce_scatter, input, output, size());
    return launch(Operation::reduce_scatter, "ncclReduceScatter", input, {output, input},
                  [=](ncclComm_t comm, cudaStream_t stream) {
                    return ncclReduceScatter(input.const_data_ptr(), output.data_ptr(),
                                             count_of(output), nccl_type(output.scalar_type()),
                                             ncclSum, comm, stream);
                  });
  }

  /// One message to and from every rank, itself too, in one group of calls.
  Issued all_to_all(at::Tensor output, at::Tensor input) override {
    check_tensor(Operation::all_to_all, output, at::kCUDA);
    check_tensor(Operation::all_to_all, input, at::kCUDA);
    check_exchange(Operation::all_to_all, output, input, size());
    return launch(Operation::all_to_all, "ncclSend and ncclRecv", input, {output, input},
                  [=, this](ncclComm_t comm, cudaStream_t stream) {
                    return exchange_parts(output, input, comm, stream);
                  });
  }

  Issued send(at::Tensor tensor, int peer, int /*tag*/) override {
    check_tensor(Operation::send, tensor, at::kCUDA);
    check_peer(Operation::send, peer, rank(), size());
    return launch(Operation::send, "ncclSend", tensor, {tensor},
                  [=](ncclComm_t comm, cudaStream_t stream) {
                    return ncclSend(tensor.const_data_ptr(), count_of(tensor),
                                    nccl_type(tensor.scalar_type()), peer, comm, stream);
                  });
  }

  Issued recv(at::Tensor tensor, int peer, int /*tag*/) override {
    check_tensor(Operation::recv, tensor, at::kCUDA);
    check_peer(Operation::recv, peer, rank(), size());
    return launch(Operation::recv, "ncclRecv", tensor, {tensor},
                  [=](ncclComm_t comm, cudaStream_t stream) {
                    return ncclRecv(tensor.data_ptr(), count_of(tensor),
                                    nccl_type(tensor.scalar_type()), peer, comm, stream);
                  });
  }

  Issued barrier() override {
    return launch(Operation::barrier, "ncclAllReduce", at::Tensor(), {barrier_token_},
                  [this](ncclComm_t comm, cudaStream_t stream) {
                    return ncclAllReduce(barrier_token_.const_data_ptr(), barrier_token_.data_ptr(),
                                         1, ncclInt32, ncclMax, comm, stream);
                  });
  }

  std::unique_ptr<Communicator> split(int color, int key) override {
    const c10::cuda::CUDAGuard guard(device_);
    NcclHandle part = handle_->split(color, key);
    return part ? std::make_unique<NcclCommunicator>(std::move(part), device_) : nullptr;
  }

 private:
  /// Queues `call` on the communicator's stream, behind what the current stream holds. `payload` is
  /// counted; `touched` must not be reused by the caching allocator before the stream is past the
  /// call.
  Issued launch(Operation operation, const char* name, const at::Tensor& payload,
                const std::vector<at::Tensor>& touched,
                const std::function<ncclResult_t(ncclComm_t, cudaStream_t)>& call) {
    const c10::cuda::CUDAGuard guard(device_);
    traffic_.count(operation, payload.defined() ? static_cast<std::int64_t>(payload.nbytes()) : 0,
                   size());
    enter_finished_spans();
    at::cuda::CUDAEvent inputs_ready;
    inputs_ready.record(c10::cuda::getCurrentCUDAStream(device_));
    inputs_ready.block(stream_);
    auto span = std::make_shared<Span>(Span{.operation = operation});
    span->begin.record(stream_);
    check_nccl(call(handle_->get(), stream_.stream()), name);
    handle_->settle(name);
    span->end.record(stream_);
    for (const at::Tensor& tensor : touched) {
      c10::cuda::CUDACachingAllocator::recordStream(tensor.storage().data_ptr(), stream_);
    }
    spans_.push_back(span);
    return Issued(std::make_shared<NcclWork>(std::move(span), handle_));
  }

  ncclResult_t exchange_parts(const at::Tensor& output, const at::Tensor& input, ncclComm_t comm,
                              cudaStream_t stream) const {
    const ncclDataType_t type = nccl_type(input.scalar_type());
    const std::size_t count = count_of(input) / static_cast<std::size_t>(size());
    const std::size_t bytes = count * c10::elementSize(input.scalar_type());
    const auto* from = static_cast<const std::byte*>(input.const_data_ptr());
    auto* to = static_cast<std::byte*>(output.data_ptr());
    check_nccl(ncclGroupStart(), "ncclGroupStart");
    for (int peer = 0; peer < size(); ++peer) {
      const std::size_t place = static_cast<std::size_t>(peer) * bytes;
      check_nccl(ncclSend(from + place, count, type, peer, comm, stream), "ncclSend");
      check_nccl(ncclRecv(to + place, count, type, peer, comm, stream), "ncclRecv");
    }
    return ncclGroupEnd();
  }

  void enter_finished_spans() {
    while (!spans_.empty() && spans_.front()->end.query()) {
      const Span& span = *spans_.front();
      traffic_.add_seconds(span.operation,
                           1e-3 * static_cast<double>(span.begin.elapsed_time(span.end)));
      spans_.pop_front();
    }
  }

  std::shared_ptr<const NcclHandle> handle_;
  c10::DeviceIndex device_;
  c10::cuda::CUDAStream stream_;
  at::Tensor barrier_token_;
  std::deque<std::shared_ptr<Span>> spans_;
};

int visible_devices() {
  int count = 0;
  if (cudaGetDeviceCount(&count) == cudaSuccess) return count;
  static_cast<void>(cudaGetLastError());  // no driver is an answer, not an error to be found later
  return 0;
}

/// Throws the same complaint on every rank when some rank has no device of its own.
void require_devices(const MpiHandle& world) {
  const int mine[2]{visible_devices(), launch_info().local_rank};
  std::vector<int> all(2 * static_cast<std::size_t>(world.size()));
  check_mpi(MPI_Allgather(mine, 2, MPI_INT, all.data(), 2, MPI_INT, world.get()), "MPI_Allgather");
  for (std::size_t rank = 0; rank < all.size() / 2; ++rank) {
    if (all[2 * rank] > all[2 * rank + 1]) continue;
    fail_input("parallel.backend = \"nccl\": no CUDA device: rank " + std::to_string(rank) +
               ", number " + std::to_string(all[2 * rank + 1]) + " on its host, sees " +
               std::to_string(all[2 * rank]) +
               " devices and needs one of its own; use parallel.backend = \"mpi\" or fewer ranks "
               "per host");
  }
}

ncclUniqueId shared_id(const MpiHandle& world) {
  struct {
    ncclResult_t result = ncclSuccess;
    ncclUniqueId id{};
  } made;
  if (world.rank() == 0) made.result = ncclGetUniqueId(&made.id);
  check_mpi(MPI_Bcast(&made, sizeof made, MPI_BYTE, 0, world.get()), "MPI_Bcast");
  check_nccl(made.result, "ncclGetUniqueId");
  return made.id;
}

std::unique_ptr<Communicator> make_nccl_world() {
  const MpiHandle world = MpiHandle::duplicate(MPI_COMM_WORLD);
  require_devices(world);
  const auto device = static_cast<c10::DeviceIndex>(launch_info().local_rank);
  c10::cuda::set_device(device);
  return std::make_unique<NcclCommunicator>(
      NcclHandle::initialize(world.size(), shared_id(world), world.rank()), device);
}

}  // namespace

void enable_nccl() {
  set_nccl_backend({.devices = visible_devices, .make_world = make_nccl_world});
}

}  // namespace spillway::comm
