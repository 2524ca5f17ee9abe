#pragma once

#include <string>

#include "compression/exchange_queue.hpp"
#include "compression/gradient_exchange.hpp"
#include "compression/meter.hpp"
#include "compression/wire.hpp"
#include "parallel/comm/communicator.hpp"

namespace spillway::compression {

/// The plain exchange: one all-reduce a bucket in float32 or bfloat16, then a division by the
/// number of replicas. No state. The communicator is the exchange's own while a Work of it is open,
/// and must outlive it.
class AllReduceExchange final : public GradientExchange {
 public:
  /// `wire`: "fp32" | "bf16"; throws Error(input) for another.
  AllReduceExchange(comm::Communicator& replicas, const std::string& wire);

  void begin_step(std::int64_t /*step*/) override {}
  comm::Work exchange(const Bucket& bucket) override;
  void end_step(bool /*keep*/) override {}

  ExchangeStatistics take_statistics() override { return meter_.take(); }
  std::vector<NamedState> state() const override { return {}; }
  void load_state(const std::vector<NamedState>& /*state*/) override {}

 private:
  Meter meter_;
  Wire wire_;
  ExchangeQueue queue_;  // last: its thread ends before what it uses
};

}  // namespace spillway::compression
