#pragma once

#include <cstdint>
#include <vector>

#include "parallel/comm/traffic.hpp"

namespace spillway::comm {

/// How long collectives of a group take on a link, when nothing else uses it. Thakur, Rabenseifner,
/// Gropp 2005 (ring and pairwise algorithms, alpha-beta), with the token bucket of a shaped link.
struct LinkModel {
  int ranks = 2;
  int hosts = 2;  ///< the ranks are spread evenly; a host's ranks share its link, one host has none
  double latency_seconds = 0;   ///< of a message
  double bytes_per_second = 0;  ///< of payload, that a host sends; 0: no limit
  double burst_bytes = 0;       ///< that pass at no cost before the limit holds

  /// Time of one collective. `payload_bytes` as in OperationTraffic.
  double seconds(Operation operation, double payload_bytes) const;
  /// Of several, one after the other: each kind's calls share its bytes, and together they have one
  /// burst.
  double seconds(const TrafficSnapshot& traffic) const;
};

/// Payload bytes per second of a link of `bits_per_second` under TCP over Ethernet: 1448 of 1514
/// bytes of a frame.
double tcp_payload_rate(double bits_per_second);

/// An all-reduce of `bytes` that took `seconds`.
struct LinkSample {
  double bytes = 0;
  double seconds = 0;
};

/// The link that explains all-reduces of three sizes, the first so small that only latency counts,
/// the others so large that a burst is used up: the rate is the slope between the last two, the
/// burst what they are faster than rate and latency say (never less than 0). Where something else
/// made the smaller of the two take longer, the larger one alone gives the rate.
LinkModel fit_link(int ranks, int hosts, const LinkSample& small, const LinkSample& large,
                   const LinkSample& larger);

}  // namespace spillway::comm
