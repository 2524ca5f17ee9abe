#pragma once

#include <array>
#include <cstdint>
#include <mutex>

namespace spillway::comm {

enum class Operation : std::uint8_t {
  all_reduce,
  broadcast,
  all_gather,
  reduce_scatter,
  all_to_all,
  send,
  recv,
  barrier
};
inline constexpr std::size_t kOperations = 8;
const char* to_string(Operation operation);

/// Bytes a rank sends per payload byte under a ring of n ranks (nccl-tests, doc/PERFORMANCE.md).
double ring_share(Operation operation, int n);

/// What one kind of operation moved on this rank.
/// payload: bytes of the caller's tensor (nccl-tests "size"); wire: bytes this rank sends under a
/// ring, e.g. 2(n-1)/n of payload for all-reduce, (n-1)/n for all-to-all; seconds: time inside the
/// transport.
struct OperationTraffic {
  std::int64_t calls = 0;
  std::int64_t payload_bytes = 0;
  double wire_bytes = 0;
  double seconds = 0;
};

struct TrafficSnapshot {
  std::array<OperationTraffic, kOperations> by_operation{};
  const OperationTraffic& operator[](Operation operation) const {
    return by_operation[static_cast<std::size_t>(operation)];
  }
  OperationTraffic total() const;
};

/// Counters of one communicator; any thread may add or read.
class Traffic {
 public:
  /// `bytes`: of the caller's tensor; the wire bytes follow from the operation and the group size.
  void count(Operation operation, std::int64_t bytes, int group_size);
  void add_seconds(Operation operation, double seconds);
  TrafficSnapshot snapshot() const;

 private:
  mutable std::mutex mutex_;
  TrafficSnapshot total_;
};

}  // namespace spillway::comm
