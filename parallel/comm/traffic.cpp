#include "parallel/comm/traffic.hpp"

namespace spillway::comm {

double ring_share(Operation operation, int n) {
  const double others = n - 1;
  switch (operation) {
    case Operation::all_reduce:
      return 2 * others / n;
    case Operation::all_gather:
    case Operation::reduce_scatter:
    case Operation::all_to_all:
      return others / n;
    case Operation::broadcast:
      return n > 1 ? 1 : 0;
    case Operation::send:
      return 1;
    case Operation::recv:
    case Operation::barrier:
      return 0;
  }
  return 0;
}

const char* to_string(Operation operation) {
  constexpr std::array<const char*, kOperations> kNames{
      "all_reduce", "broadcast", "all_gather", "reduce_scatter",
      "all_to_all", "send",      "recv",       "barrier"};
  return kNames.at(static_cast<std::size_t>(operation));
}

OperationTraffic TrafficSnapshot::total() const {
  OperationTraffic sum;
  for (const OperationTraffic& one : by_operation) {
    sum.calls += one.calls;
    sum.payload_bytes += one.payload_bytes;
    sum.wire_bytes += one.wire_bytes;
    sum.seconds += one.seconds;
  }
  return sum;
}

void Traffic::count(Operation operation, std::int64_t bytes, int group_size) {
  const std::lock_guard lock(mutex_);
  OperationTraffic& one = total_.by_operation[static_cast<std::size_t>(operation)];
  ++one.calls;
  one.payload_bytes += bytes;
  one.wire_bytes += static_cast<double>(bytes) * ring_share(operation, group_size);
}

void Traffic::add_seconds(Operation operation, double seconds) {
  const std::lock_guard lock(mutex_);
  total_.by_operation[static_cast<std::size_t>(operation)].seconds += seconds;
}

TrafficSnapshot Traffic::snapshot() const {
  const std::lock_guard lock(mutex_);
  return total_;
}

}  // namespace spillway::comm
