#pragma once

#include <cstdint>
#include <vector>

#include "compression/bucket.hpp"
#include "configs/schema.hpp"

namespace spillway::compression {

/// What one replica gives to its communicator, by collective, in bytes.
struct Payload {
  std::int64_t all_reduce = 0;
  std::int64_t all_gather = 0;  ///< its own part
  std::int64_t all_to_all = 0;  ///< all parts
  std::int64_t collectives = 0;

  std::int64_t sent() const { return all_reduce + all_gather + all_to_all; }
  /// Bytes that leave this replica under a ring, as comm::OperationTraffic::wire_bytes counts them.
  double wire(int replicas) const;
  Payload& operator+=(const Payload& other);
};

/// Of the exchange of a bucket with these parameters in a step: what the counters at the call site
/// show (ExchangeStatistics). With adaptive_rank: as if every rank were the largest.
Payload payload_of(const config::CompressionConfig& config,
                   const std::vector<ParameterShape>& bucket, int replicas, std::int64_t step);

}  // namespace spillway::compression
