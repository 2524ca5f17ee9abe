#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "compression/compressor.hpp"
#include "compression/quantize/sharded_mean.hpp"

namespace spillway::compression {

/// Sends every element in 8 or 4 bits, rounded at random so that its expectation is itself: QSGD,
/// Alistarh et al. 2017, arXiv:1610.02132 (see quantize.hpp), in the two rounds of sharded_mean(),
/// each unbiased. So nothing is kept back; no state. The random numbers follow from (seed, step,
/// bucket, replica, round).
class Qsgd final : public Compressor {
 public:
  /// `bits`: 8 or 4. The order of `members` decides the random numbers.
  Qsgd(int bits, const std::vector<Member>& members, comm::Communicator& replicas, Meter& meter,
       std::uint64_t seed);

  bool feeds_back() const override { return false; }
  void begin_step(std::int64_t step) override { step_ = step; }
  void exchange(std::span<Piece> pieces) override;

 private:
  int bits_;
  std::unordered_map<std::string, std::uint64_t> index_;
  std::uint64_t seed_;
  std::int64_t step_ = 0;
  Wire wire_;
  Workspace joined_, workspace_;
};

/// See shard_bytes().
std::int64_t qsgd_shard_bytes(std::int64_t n, int replicas, int bits);

}  // namespace spillway::compression
