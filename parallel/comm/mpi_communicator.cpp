#include "parallel/comm/mpi_communicator.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "configs/error.hpp"
#include "parallel/comm/arguments.hpp"
#include "parallel/comm/local_reduce.hpp"
#include "parallel/comm/mpi_handle.hpp"
#include "parallel/comm/queued_communicator.hpp"

namespace spillway::comm {
namespace {

/// Up to here a collective is made of few messages, and the non-blocking call is as fast as the
/// blocking one.
constexpr std::int64_t kSmallBytes = 32 << 10;

/// bfloat16 is reduced in pieces of this many elements, which bounds the scratch memory.
constexpr std::int64_t kPartsElements = 4 << 20;
/// When no rank waited longer than this for the others, the next collectives are not preceded by a
/// barrier.
constexpr std::int64_t kPunctualUs = 200;
constexpr int kUnasked = 7;

/// MPI's tags are at least up to 32767.
constexpr int kPartsTag = kMostTag + 1;

MPI_Datatype mpi_type(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return MPI_FLOAT;
    case at::kBFloat16:
      return MPI_UINT16_T;  // only moved, never reduced by MPI
    case at::kInt:
      return MPI_INT32_T;
    case at::kLong:
      return MPI_INT64_T;
    case at::kByte:
      return MPI_UINT8_T;
    default:
      fail("no MPI type for " + std::string(c10::toString(type)));
  }
}

/// Maximum of floats that keeps NaN, which MPI_MAX does not on every rank alike.
class NanMax {
 public:
  NanMax() { check_mpi(MPI_Op_create(&apply, /*commute=*/1, &op_), "MPI_Op_create"); }
  NanMax(const NanMax&) = delete;
  NanMax& operator=(const NanMax&) = delete;
  ~NanMax() {
    int finalized = 0;
    MPI_Finalized(&finalized);
    if (finalized == 0) MPI_Op_free(&op_);
  }
  MPI_Op get() const { return op_; }

 private:
  static void apply(void* input, void* in_out, int* length, MPI_Datatype*) {
    const Buffer output{static_cast<std::byte*>(in_out), *length, at::kFloat};
    local_reduce(output,
                 {static_cast<const std::byte*>(in_out), static_cast<const std::byte*>(input)},
                 ReduceOp::max);
  }
  MPI_Op op_ = MPI_OP_NULL;
};

class MpiTransport final : public Transport {
 public:
  MpiTransport(MpiHandle handle, MpiOptions options)
      : handle_(std::move(handle)),
        options_(options),
        rank_(handle_.rank()),
        size_(handle_.size()) {}

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string backend() const override { return "mpi"; }

  void all_reduce(Buffer buffer, ReduceOp op) override {
    if (size_ == 1) return;
    arrive(buffer.bytes());
    for_chunks(buffer.count, most(buffer.type), [&](std::int64_t first, int length) {
      const Buffer chunk = buffer.part(first, length);
      if (buffer.type == at::kBFloat16) return all_reduce_by_parts(chunk, op);
      call("MPI_Allreduce", MPI_Allreduce, MPI_Iallreduce, MPI_IN_PLACE, chunk.data, length,
           mpi_type(buffer.type), mpi_op(buffer.type, op));
    });
  }

  void broadcast(Buffer buffer, int root) override {
    if (size_ == 1) return;
    arrive(buffer.bytes());
    broadcast_chunks(buffer, root);
  }

  void all_gather(Buffer output, Buffer input) override {
    arrive(output.bytes());
    if (output.count <= options_.call_elements) {
      const int count = static_cast<int>(input.count);
      const MPI_Datatype type = mpi_type(input.type);
      if (count > 0) {
        call("MPI_Allgather", MPI_Allgather, MPI_Iallgather, input.data, count, type, output.data,
             count, type);
      }
      return;
    }
    std::memcpy(own_part(output).data, input.data, static_cast<std::size_t>(input.bytes()));
    for (int root = 0; root < size_; ++root)
      broadcast_chunks(output.part(root * input.count, input.count), root);
  }

  void reduce_scatter(Buffer output, Buffer input) override {
    arrive(input.bytes());
    const std::int64_t longest = std::max<std::int64_t>(1, most(output.type) / size_);
    for_chunks(output.count, longest, [&](std::int64_t first, int length) {
      const Buffer chunk = output.part(first, length);
      std::vector<Buffer> parts;
      parts.reserve(static_cast<std::size_t>(size_));
      for (int rank = 0; rank < size_; ++rank)
        parts.push_back(input.part(rank * output.count + first, length));
      if (output.type == at::kBFloat16) {
        exchange_and_reduce(chunk, parts, ReduceOp::sum);
      } else if (length == output.count) {
        call("MPI_Reduce_scatter_block", MPI_Reduce_scatter_block, MPI_Ireduce_scatter_block,
             input.data, output.data, length, mpi_type(output.type), MPI_SUM);
      } else {
        reduce_to_each(chunk, parts);
      }
    });
  }

  void send(Buffer buffer, int peer, int tag) override {
    for_messages(buffer, [&](Buffer message) {
      MPI_Request request = MPI_REQUEST_NULL;
      check_mpi(MPI_Isend(message.data, static_cast<int>(message.count), mpi_type(message.type),
                          peer, tag, handle_.get(), &request),
                "MPI_Isend");
      await(request, "MPI_Isend");
    });
  }

  void recv(Buffer buffer, int peer, int tag) override {
    for_messages(buffer, [&](Buffer message) {
      MPI_Request request = MPI_REQUEST_NULL;
      MPI_Status status;
      int received = 0;
      check_mpi(MPI_Irecv(message.data, static_cast<int>(message.count), mpi_type(message.type),
                          peer, MPI_ANY_TAG, handle_.get(), &request),
                "MPI_Irecv");
      await(request, "MPI_Irecv", &status);
      if (status.MPI_TAG != tag) fail_tag("mpi", tag, status.MPI_TAG);
      check_mpi(MPI_Get_count(&status, mpi_type(message.type), &received), "MPI_Get_count");
      if (received != message.count) {
        fail("[mpi] a message of " + std::to_string(received) + " elements came where " +
             std::to_string(message.count) + " were expected");
      }
    });
  }

  void barrier() override {
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(MPI_Ibarrier(handle_.get(), &request), "MPI_Ibarrier");
    await(request, "MPI_Ibarrier");
  }

  std::unique_ptr<Transport> split(int color, int key) override {
    barrier();
    MpiHandle part = handle_.split(color, key);
    return part ? std::make_unique<MpiTransport>(std::move(part), options_) : nullptr;
  }

 private:
  /// Before a large collective: sleeps until every rank is there, so that the blocking call never
  /// polls for a late one. Ranks that were punctual skip this a few times, which saves what a
  /// barrier costs; all skip alike, because they agree on the longest wait.
  void arrive(std::int64_t bytes) {
    blocking_ = bytes > kSmallBytes;
    if (!blocking_ || size_ == 1) return;
    if (unasked_ > 0) {
      --unasked_;
      return;
    }
    const auto start = std::chrono::steady_clock::now();
    std::int64_t longest = 0;
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(
        MPI_Iallreduce(&last_wait_us_, &longest, 1, MPI_INT64_T, MPI_MAX, handle_.get(), &request),
        "MPI_Iallreduce");
    await(request, "MPI_Iallreduce");
    last_wait_us_ = (std::chrono::steady_clock::now() - start) / std::chrono::microseconds(1);
    if (longest < kPunctualUs) unasked_ = kUnasked;
  }

  template <typename Blocking, typename Immediate, typename... Arguments>
  void call(const char* name, Blocking blocking, Immediate immediate, Arguments... arguments) {
    if (blocking_) return check_mpi(blocking(arguments..., handle_.get()), name);
    MPI_Request request = MPI_REQUEST_NULL;
    check_mpi(immediate(arguments..., handle_.get(), &request), name);
    await(request, name);
  }

  /// Elements that one call may move.
  std::int64_t most(at::ScalarType type) const {
    return type == at::kBFloat16 ? std::min(options_.call_elements, kPartsElements)
                                 : options_.call_elements;
  }

  template <typename Body>
  static void for_chunks(std::int64_t count, std::int64_t longest, Body body) {
    for (std::int64_t first = 0; first < count; first += longest) {
      body(first, static_cast<int>(std::min(longest, count - first)));
    }
  }

  /// Like for_chunks, but an empty tensor is a message too.
  template <typename Body>
  void for_messages(Buffer buffer, Body body) const {
    if (buffer.count == 0) body(buffer);
    for_chunks(buffer.count, options_.call_elements,
               [&](std::int64_t first, int length) { body(buffer.part(first, length)); });
  }

  Buffer own_part(Buffer whole) const {
    return whole.part(rank_ * (whole.count / size_), whole.count / size_);
  }

  MPI_Op mpi_op(at::ScalarType type, ReduceOp op) const {
    if (op == ReduceOp::sum) return MPI_SUM;
    return type == at::kFloat ? nan_max_.get() : MPI_MAX;
  }

  void broadcast_chunks(Buffer buffer, int root) {
    for_chunks(buffer.count, options_.call_elements, [&](std::int64_t first, int length) {
      call("MPI_Bcast", MPI_Bcast, MPI_Ibcast, buffer.part(first, length).data, length,
           mpi_type(buffer.type), root);
    });
  }

  /// Part r, summed over the ranks, to rank r.
  void reduce_to_each(Buffer output, const std::vector<Buffer>& parts) {
    for (int root = 0; root < size_; ++root) {
      call("MPI_Reduce", MPI_Reduce, MPI_Ireduce, parts[static_cast<std::size_t>(root)].data,
           output.data, static_cast<int>(output.count), mpi_type(output.type), MPI_SUM, root);
    }
  }

  /// Part r goes to rank r; what comes from all ranks is reduced into `output` in rank order.
  void exchange_and_reduce(Buffer output, const std::vector<Buffer>& parts, ReduceOp op) {
    scratch_.resize(static_cast<std::size_t>(output.bytes() * size_));
    std::vector<MPI_Request> requests(2 * parts.size(), MPI_REQUEST_NULL);
    std::vector<const std::byte*> arrived(parts.size());
    for (int rank = 0; rank < size_; ++rank) {
      const Buffer& part = parts[static_cast<std::size_t>(rank)];
      std::byte* place = scratch_.data() + rank * output.bytes();
      arrived[static_cast<std::size_t>(rank)] = rank == rank_ ? part.data : place;
      if (rank == rank_) continue;
      check_mpi(MPI_Irecv(place, static_cast<int>(output.count), mpi_type(output.type), rank,
                          kPartsTag, handle_.get(), &requests[2 * static_cast<std::size_t>(rank)]),
                "MPI_Irecv");
      check_mpi(
          MPI_Isend(part.data, static_cast<int>(part.count), mpi_type(part.type), rank, kPartsTag,
                    handle_.get(), &requests[2 * static_cast<std::size_t>(rank) + 1]),
          "MPI_Isend");
    }
    for (MPI_Request& request : requests) await(request, "exchange of parts");
    local_reduce(output, arrived, op);
  }

  void all_reduce_by_parts(Buffer buffer, ReduceOp op) {
    std::vector<int> counts, starts;
    std::vector<Buffer> parts;
    for (int rank = 0; rank < size_; ++rank) {
      const std::int64_t start = buffer.count * rank / size_,
                         end = buffer.count * (rank + 1) / size_;
      starts.push_back(static_cast<int>(start));
      counts.push_back(static_cast<int>(end - start));
      parts.push_back(buffer.part(start, end - start));
    }
    exchange_and_reduce(parts[static_cast<std::size_t>(rank_)], parts, op);
    call("MPI_Allgatherv", MPI_Allgatherv, MPI_Iallgatherv, MPI_IN_PLACE, 0, MPI_DATATYPE_NULL,
         buffer.data, counts.data(), starts.data(), mpi_type(buffer.type));
  }

  MpiHandle handle_;
  MpiOptions options_;
  NanMax nan_max_;
  int rank_;
  int size_;
  bool blocking_ = false;
  int unasked_ = 0;  // large collectives still to come without arrive() asking
  std::int64_t last_wait_us_ = kPunctualUs;
  std::vector<std::byte> scratch_;
};

}  // namespace

std::unique_ptr<Communicator> make_mpi_world(MpiOptions options) {
  return std::make_unique<QueuedCommunicator>(
      std::make_unique<MpiTransport>(MpiHandle::duplicate(MPI_COMM_WORLD), options));
}

}  // namespace spillway::comm
