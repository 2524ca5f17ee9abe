#pragma once

#include "compression/exchange_queue.hpp"
#include "compression/gradient_exchange.hpp"
#include "compression/meter.hpp"
#include "compression/wire.hpp"
#include "parallel/comm/communicator.hpp"

namespace spillway::compression {

/// The mean over replicas, summed in float32 in a fixed binary tree over the replica's index:
/// replicas 2k and 2k+1 first, then pairs of pairs. With micro-batches summed in the same tree
/// before, the result has the same bits for any number of replicas, which an all-reduce does not
/// promise. The price: an all-gather, of replicas x the bytes of the bucket, and as much memory for
/// the bucket under way. No state.
class TreeMeanExchange final : public GradientExchange {
 public:
  /// Throws Error(input) unless the number of replicas is a power of two: only then is the division
  /// exact.
  explicit TreeMeanExchange(comm::Communicator& replicas);

  void begin_step(std::int64_t /*step*/) override {}
  comm::Work exchange(const Bucket& bucket) override;
  void end_step(bool /*keep*/) override {}

  ExchangeStatistics take_statistics() override { return meter_.take(); }
  std::vector<NamedState> state() const override { return {}; }
  std::vector<std::string> load_state(const std::vector<NamedState>& state) override {
    return StateMap(state).rest();
  }

 private:
  void mean(const at::Tensor& flat);

  Meter meter_;
  Wire wire_;
  ExchangeQueue queue_;  // last: its thread ends before what it uses
};

}  // namespace spillway::compression
