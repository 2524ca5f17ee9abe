#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "parallel/comm/communicator.hpp"

namespace spillway::comm {

/// Moved as 16-bit words and reduced in float32, by this library: MPI has no such types.
inline bool is_half(at::ScalarType type) { return type == at::kBFloat16 || type == at::kHalf; }

/// The memory of one contiguous CPU tensor. Whoever queues the operation keeps the tensor alive.
struct Buffer {
  std::byte* data = nullptr;
  std::int64_t count = 0;
  at::ScalarType type = at::kFloat;

  std::int64_t element_bytes() const { return static_cast<std::int64_t>(c10::elementSize(type)); }
  std::int64_t bytes() const { return count * element_bytes(); }
  /// Elements first .. first + length.
  Buffer part(std::int64_t first, std::int64_t length) const {
    return {data + first * element_bytes(), length, type};
  }
};

/// What a CPU backend does for each operation of a Communicator: blocking, called from the queue's
/// thread alone, with arguments that QueuedCommunicator has checked (types, counts, ranks in range,
/// no peer equal to the own rank). Throws when it fails.
class Transport {
 public:
  Transport() = default;
  Transport(const Transport&) = delete;
  Transport& operator=(const Transport&) = delete;
  virtual ~Transport() = default;

  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual std::string backend() const = 0;

  virtual void all_reduce(Buffer buffer, ReduceOp op) = 0;
  virtual void broadcast(Buffer buffer, int root) = 0;
  virtual void all_gather(Buffer output, Buffer input) = 0;
  virtual void reduce_scatter(Buffer output, Buffer input) = 0;
  virtual void all_to_all(Buffer output, Buffer input) = 0;
  virtual void send(Buffer buffer, int peer, int tag) = 0;
  /// Throws TagMismatch where the next message of the peer has another tag.
  virtual void recv(Buffer buffer, int peer, int tag) = 0;
  virtual void barrier() = 0;
  /// nullptr for a negative color.
  virtual std::unique_ptr<Transport> split(int color, int key) = 0;

  /// An exception unwinds the owner; an operation may be under way on the queue's thread, which is
  /// left behind with this object.
  virtual void abandon() noexcept {}
};

}  // namespace spillway::comm
