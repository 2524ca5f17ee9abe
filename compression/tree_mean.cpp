#include "compression/tree_mean.hpp"

#include <ATen/ATen.h>

#include <bit>

#include "compression/bucket.hpp"
#include "configs/error.hpp"

namespace spillway::compression {

TreeMeanExchange::TreeMeanExchange(comm::Communicator& replicas) : replicas_(replicas) {
  if (std::has_single_bit(static_cast<unsigned>(replicas.size()))) return;
  fail_input("parallel.reproducible with " + std::to_string(replicas.size()) +
             " replicas; valid: a power of two");
}

comm::Work TreeMeanExchange::exchange(const Bucket& bucket) {
  check_layout(bucket);
  return queue_.submit(bucket.flat.device(), [this, flat = bucket.flat] {
    meter_.count_dense(static_cast<std::int64_t>(flat.nbytes()));
    if (replicas_.size() > 1) mean(flat);
  });
}

void TreeMeanExchange::mean(const at::Tensor& flat) {
  const at::Tensor all = at::empty({replicas_.size(), flat.numel()}, flat.options());
  {
    const Meter::Timer timer(meter_, &ExchangeStatistics::wire_seconds);
    meter_.count_sent(static_cast<std::int64_t>(flat.nbytes()));
    replicas_.all_gather(all.view({-1}), flat).wait();
  }
  const Meter::Timer timer(meter_, &ExchangeStatistics::decompress_seconds);
  for (int step = 1; step < replicas_.size(); step *= 2) {
    for (int i = 0; i < replicas_.size(); i += 2 * step) all[i].add_(all[i + step]);
  }
  flat.copy_(all[0].div_(replicas_.size()));
}

}  // namespace spillway::compression
