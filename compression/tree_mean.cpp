#include "compression/tree_mean.hpp"

#include <ATen/ATen.h>

#include <bit>

#include "compression/bucket.hpp"
#include "configs/error.hpp"

namespace spillway::compression {

TreeMeanExchange::TreeMeanExchange(comm::Communicator& replicas) : wire_(replicas, "fp32", meter_) {
  if (std::has_single_bit(static_cast<unsigned>(replicas.size()))) return;
  fail_input("parallel.reproducible with " + std::to_string(replicas.size()) +
             " replicas; valid: a power of two");
}

comm::Work TreeMeanExchange::exchange(const Bucket& bucket) {
  check_layout(bucket);
  return queue_.submit(bucket.flat.device(), [this, flat = bucket.flat] {
    meter_.count_dense(static_cast<std::int64_t>(flat.nbytes()));
    if (wire_.replicas() > 1) mean(flat);
  });
}

void TreeMeanExchange::mean(const at::Tensor& flat) {
  const at::Tensor all = at::empty({wire_.replicas(), flat.numel()}, flat.options());
  wire_.all_gather(all.view({-1}), flat);
  const Meter::Timer timer(meter_, &ExchangeStatistics::decompress_seconds);
  for (int step = 1; step < wire_.replicas(); step *= 2) {
    for (int i = 0; i < wire_.replicas(); i += 2 * step) all[i].add_(all[i + step]);
  }
  flat.copy_(all[0].div_(wire_.replicas()));
}

}  // namespace spillway::compression
