#include "parallel/comm/link_model.hpp"

#include <algorithm>

namespace spillway::comm {
namespace {

/// Messages that follow each other: a ring goes round once or twice.
double rounds(Operation operation, int ranks) {
  const double others = ranks - 1;
  switch (operation) {
    case Operation::all_reduce:
      return 2 * others;
    case Operation::all_gather:
    case Operation::reduce_scatter:
    case Operation::all_to_all:
      return others;
    case Operation::broadcast:
    case Operation::barrier:
      return ranks > 1 ? 1 : 0;
    case Operation::send:
    case Operation::recv:
      return 1;
  }
  return 0;
}

/// Bytes that a host's link carries for one payload byte of each rank. A ring crosses each link
/// once, however many ranks a host has; all-to-all carries what every rank of the host sends away.
double link_share(Operation operation, int ranks, int hosts) {
  if (operation != Operation::all_to_all || hosts == 1) return ring_share(operation, ranks);
  const double n = ranks, on_host = n / hosts;
  return on_host * (n - on_host) / n;
}

}  // namespace

double LinkModel::seconds(Operation operation, double payload_bytes) const {
  TrafficSnapshot one;
  OperationTraffic& traffic = one.by_operation[static_cast<std::size_t>(operation)];
  traffic.calls = 1;
  traffic.payload_bytes = static_cast<std::int64_t>(payload_bytes);
  return seconds(one);
}

double LinkModel::seconds(const TrafficSnapshot& traffic) const {
  if (ranks < 2) return 0;
  double messages = 0, bytes = 0;
  for (std::size_t i = 0; i < kOperations; ++i) {
    const auto operation = static_cast<Operation>(i);
    const OperationTraffic& one = traffic.by_operation[i];
    messages += static_cast<double>(one.calls) * rounds(operation, ranks);
    bytes += static_cast<double>(one.payload_bytes) * link_share(operation, ranks, hosts);
  }
  const double limited =
      bytes_per_second > 0 ? std::max(0.0, bytes - burst_bytes) / bytes_per_second : 0;
  return messages * latency_seconds + limited;
}

double tcp_payload_rate(double bits_per_second) { return bits_per_second / 8 * 1448 / 1514; }

LinkModel fit_link(int ranks, int hosts, const LinkSample& small, const LinkSample& large,
                   const LinkSample& larger) {
  LinkModel link{.ranks = ranks, .hosts = hosts};
  if (ranks < 2) return link;
  const double around = rounds(Operation::all_reduce, ranks),
               share = link_share(Operation::all_reduce, ranks, hosts);
  const double slope = larger.seconds > large.seconds
                           ? (larger.seconds - large.seconds) / (larger.bytes - large.bytes)
                           : larger.seconds / larger.bytes;
  link.latency_seconds = small.seconds / around;
  link.bytes_per_second = share / slope;
  link.burst_bytes =
      std::max(0.0, (small.seconds + large.bytes * slope - large.seconds) / slope * share);
  return link;
}

}  // namespace spillway::comm
