#include "compression/all_reduce.hpp"

#include "compression/bucket.hpp"

namespace spillway::compression {

AllReduceExchange::AllReduceExchange(comm::Communicator& replicas, const std::string& wire)
    : wire_(replicas, wire, meter_) {}

comm::Work AllReduceExchange::exchange(const Bucket& bucket) {
  check_layout(bucket);
  return queue_.submit(bucket.flat.device(), [this, flat = bucket.flat]() mutable {
    meter_.count_dense(static_cast<std::int64_t>(flat.nbytes()));
    wire_.sum(flat);
    const Meter::Timer timer(meter_, &ExchangeStatistics::decompress_seconds);
    if (wire_.replicas() > 1) flat.div_(wire_.replicas());
  });
}

}  // namespace spillway::compression
