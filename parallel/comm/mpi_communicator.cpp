#include "parallel/comm/mpi_communicator.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "configs/error.hpp"
#include "parallel/comm/arguments.hpp"
#include "parallel/comm/mpi_datatype.hpp"
#include "parallel/comm/mpi_handle.hpp"
#include "parallel/comm/mpi_parts.hpp"
#include "parallel/comm/nan_max.hpp"
#include "parallel/comm/queued_communicator.hpp"

namespace spillway::comm {
namespace {

/// Up to here a collective is made of few messages, and the non-blocking call is as fast as the
/// blocking one.
constexpr std::int64_t kSmallBytes = 32 << 10;

/// What the ranks reduce themselves goes in pieces of this many elements, which bounds the scratch
/// memory.
constexpr std::int64_t kPartsElements = 4 << 20;
/// When no rank waited longer than this for the others, the next collectives are not preceded by a
/// barrier.
constexpr std::int64_t kPunctualUs = 200;
constexpr int kUnasked = 7;
using std::chrono_literals::operator""us;
/// How rarely a message is looked for that nobody waits for yet. A sender has to push a long one.
constexpr Patience kSendPatience{20us, 200us}, kRecvPatience{20us, 1000us};
/// Between hosts, where a poll and the timer before it cost the computing thread more than a result
/// that comes a little late.
constexpr Patience kFarPatience{100us, 1000us};

/// Of messages to other hosts: Open MPI's TCP sends up to 64 KiB, header included, without asking.
constexpr std::int64_t kFarMessageBytes = 60 << 10, kNearMessageBytes = 4 << 20;

class MpiTransport final : public Transport {
 public:
  MpiTransport(MpiHandle handle, MpiOptions options)
      : handle_(std::move(handle)),
        options_(options),
        rank_(handle_.rank()),
        size_(handle_.size()),
        near_(options.blocking_calls && handle_.is_on_one_host()),
        parts_(handle_, near_ ? MpiParts::Options{.message_bytes = kNearMessageBytes}
                              : MpiParts::Options{kFarMessageBytes, kFarPatience}) {}

  int rank() const override { return rank_; }
  int size() const override { return size_; }
  std::string backend() const override { return "mpi"; }

  void all_reduce(Buffer buffer, ReduceOp op) override {
    if (size_ == 1) return;
    arrive(buffer.bytes());
    const std::int64_t most = most_elements(by_parts(buffer));
    for_chunks(buffer.count, most, [&](std::int64_t first, int length) {
      const Buffer chunk = buffer.part(first, length);
      if (by_parts(buffer)) return parts_.all_reduce(chunk, op);
      call("MPI_Allreduce", MPI_Allreduce, MPI_Iallreduce, MPI_IN_PLACE, chunk.data, length,
           mpi_datatype(buffer.type), mpi_op(buffer.type, op));
    });
  }

  void broadcast(Buffer buffer, int root) override {
    if (size_ == 1) return;
    arrive(buffer.bytes());
    broadcast_chunks(buffer, root);
  }

  void all_gather(Buffer output, Buffer input) override {
    arrive(output.bytes());
    if (!by_messages(output) && output.count <= options_.call_elements) {
      const int count = static_cast<int>(input.count);
      const MPI_Datatype type = mpi_datatype(input.type);
      if (count > 0) {
        call("MPI_Allgather", MPI_Allgather, MPI_Iallgather, input.data, count, type, output.data,
             count, type);
      }
      return;
    }
    std::memcpy(own_part(output).data, input.data, static_cast<std::size_t>(input.bytes()));
    const std::vector<Buffer> outgoing(static_cast<std::size_t>(size_), input);
    parts_.exchange(parts_of(output, 0, input.count), outgoing);
  }

  void reduce_scatter(Buffer output, Buffer input) override {
    arrive(input.bytes());
    const std::int64_t longest = std::max<std::int64_t>(1, most_elements(by_parts(input)) / size_);
    for_chunks(output.count, longest, [&](std::int64_t first, int length) {
      const Buffer chunk = output.part(first, length);
      const std::vector<Buffer> parts = parts_of(input, first, length);
      if (by_parts(input)) {
        parts_.reduce_scatter(chunk, parts, ReduceOp::sum);
      } else if (length == output.count) {
        call("MPI_Reduce_scatter_block", MPI_Reduce_scatter_block, MPI_Ireduce_scatter_block,
             input.data, output.data, length, mpi_datatype(output.type), MPI_SUM);
      } else {
        reduce_to_each(chunk, parts);
      }
    });
  }

  void all_to_all(Buffer output, Buffer input) override {
    arrive(input.bytes());
    const std::int64_t share = input.count / size_;
    if (!by_messages(input) && input.count <= options_.call_elements) {
      const MPI_Datatype type = mpi_datatype(input.type);
      const int count = static_cast<int>(share);
      if (count > 0) {
        call("MPI_Alltoall", MPI_Alltoall, MPI_Ialltoall, input.data, count, type, output.data,
             count, type);
      }
      return;
    }
    parts_.exchange(parts_of(output, 0, share), parts_of(input, 0, share));
    std::memcpy(own_part(output).data, own_part(input).data,
                static_cast<std::size_t>(own_part(input).bytes()));
  }

  void send(Buffer buffer, int peer, int tag) override {
    for_messages(buffer, [&](Buffer message) {
      MPI_Request request = MPI_REQUEST_NULL;
      check_mpi(MPI_Isend(message.data, static_cast<int>(message.count), mpi_datatype(message.type),
                          peer, tag, handle_.get(), &request),
                "MPI_Isend");
      await(request, "MPI_Isend", MPI_STATUS_IGNORE, kSendPatience);
    });
  }

  void recv(Buffer buffer, int peer, int tag) override {
    for_messages(buffer, [&](Buffer message) {
      MPI_Request request = MPI_REQUEST_NULL;
      MPI_Status status;
      int received = 0;
      check_mpi(MPI_Irecv(message.data, static_cast<int>(message.count), mpi_datatype(message.type),
                          peer, MPI_ANY_TAG, handle_.get(), &request),
                "MPI_Irecv");
      await(request, "MPI_Irecv", &status, kRecvPatience);
      if (status.MPI_TAG != tag) fail_tag("mpi", tag, status.MPI_TAG);
      check_mpi(MPI_Get_count(&status, mpi_datatype(message.type), &received), "MPI_Get_count");
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
  /// Before a large collective on one host: sleeps until every rank is there, so that the blocking
  /// call never polls for a late one. Ranks that were punctual skip this a few times, which saves
  /// what a barrier costs; all skip alike, because they agree on the longest wait.
  void arrive(std::int64_t bytes) {
    blocking_ = near_ && bytes > kSmallBytes;
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
    await(request, name, MPI_STATUS_IGNORE, near_ ? Patience{} : kFarPatience);
  }

  /// Whether a collective between hosts goes by messages of ours: MPI's non-blocking ones wait for
  /// the consent of the receiver, and in reductions for one message after the other.
  bool by_messages(Buffer whole) const { return !near_ && whole.bytes() > kSmallBytes; }
  /// Whether the ranks reduce `whole` themselves; MPI cannot add 16-bit floats.
  bool by_parts(Buffer whole) const { return is_half(whole.type) || by_messages(whole); }

  /// Elements that one call may move.
  std::int64_t most_elements(bool parts) const {
    return parts ? std::min(options_.call_elements, kPartsElements) : options_.call_elements;
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

  /// Elements first .. first + length of each rank's part of `whole`.
  std::vector<Buffer> parts_of(Buffer whole, std::int64_t first, std::int64_t length) const {
    std::vector<Buffer> parts;
    parts.reserve(static_cast<std::size_t>(size_));
    for (int rank = 0; rank < size_; ++rank)
      parts.push_back(whole.part(rank * (whole.count / size_) + first, length));
    return parts;
  }

  MPI_Op mpi_op(at::ScalarType type, ReduceOp op) const {
    if (op == ReduceOp::sum) return MPI_SUM;
    return type == at::kFloat ? nan_max_.get() : MPI_MAX;
  }

  void broadcast_chunks(Buffer buffer, int root) {
    for_chunks(buffer.count, options_.call_elements, [&](std::int64_t first, int length) {
      call("MPI_Bcast", MPI_Bcast, MPI_Ibcast, buffer.part(first, length).data, length,
           mpi_datatype(buffer.type), root);
    });
  }

  /// Part r, summed over the ranks, to rank r.
  void reduce_to_each(Buffer output, const std::vector<Buffer>& parts) {
    for (int root = 0; root < size_; ++root) {
      call("MPI_Reduce", MPI_Reduce, MPI_Ireduce, parts[static_cast<std::size_t>(root)].data,
           output.data, static_cast<int>(output.count), mpi_datatype(output.type), MPI_SUM, root);
    }
  }

  MpiHandle handle_;
  MpiOptions options_;
  NanMax nan_max_;
  int rank_;
  int size_;
  bool near_;  // blocking calls serve large collectives: memory is the wire
  bool blocking_ = false;
  int unasked_ = 0;  // large collectives still to come without arrive() asking
  std::int64_t last_wait_us_ = kPunctualUs;
  MpiParts parts_;
};

}  // namespace

std::unique_ptr<Communicator> make_mpi_world(MpiOptions options) {
  return std::make_unique<QueuedCommunicator>(
      std::make_unique<MpiTransport>(MpiHandle::duplicate(MPI_COMM_WORLD), options));
}

}  // namespace spillway::comm
