#include "trainer/commands/compress_advise_measure.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <regex>
#include <thread>

#include "compression/method_exchange.hpp"
#include "parallel/comm/measured_time.hpp"
#include "parallel/comm/overlap.hpp"
#include "trainer/step_statistics.hpp"
#include "trainer/trainer.hpp"

namespace spillway::trainer {
namespace {

using compression::Bucket;
using Clock = std::chrono::steady_clock;

constexpr std::int64_t kWarmupSteps = 2, kSteps = 7;
/// Even, since methods may send one thing in even steps and another in odd ones; the fewer when
/// those of the warm-up took longer than kManySeconds.
constexpr std::int64_t kWarmupExchanges = 2, kExchanges = 4, kFewExchanges = 2;
constexpr double kManySeconds = 1.5;
/// All-reduces that the link is measured by take about this long, as far as their sizes allow.
constexpr double kLinkSeconds = 0.04;
constexpr std::int64_t kSmallestBytes = 64 << 10, kLargestBytes = 4 << 20, kOverlapBytes = 2 << 20;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// A step of this replica alone, and the gradients that it left.
struct LocalSteps {
  StepBase base;
  std::vector<Bucket> buckets;  ///< copies
  std::vector<double> ready_seconds;
};

Bucket copy_of(const Bucket& bucket) {
  Bucket copy{.flat = bucket.flat.clone(), .entries = {}};
  std::int64_t offset = 0;
  for (const compression::NamedGradient& entry : bucket.entries) {
    const std::int64_t numel = entry.gradient.numel();
    copy.entries.push_back(
        {entry.name, copy.flat.narrow(0, offset, numel).view(entry.gradient.sizes())});
    offset += numel;
  }
  return copy;
}

LocalSteps run_local_steps(const config::Config& config, const Layout& layout) {
  Ranks apart(config, Replicas::apart);
  Trainer trainer(config, layout, apart);
  LocalSteps local;
  std::vector<std::vector<double>> ready;
  std::vector<double> compute, update;
  Clock::time_point start;
  std::size_t bucket_index = 0;
  bool last = false;
  trainer.gradient_sync().observe([&](const Bucket& bucket) {
    if (ready.size() <= bucket_index) ready.emplace_back();
    ready[bucket_index++].push_back(seconds_since(start));
    if (last) local.buckets.push_back(copy_of(bucket));
  });
  for (std::int64_t step = 0; step < kWarmupSteps + kSteps; ++step) {
    if (step == kWarmupSteps) ready.clear();
    bucket_index = 0;
    last = step == kWarmupSteps + kSteps - 1;
    start = Clock::now();
    const StepResult result = trainer.step();
    if (step < kWarmupSteps) continue;
    compute.push_back(result.seconds - result.update_seconds);
    update.push_back(result.update_seconds);
  }
  local.base.compute_seconds = percentile(compute, 0.5);
  local.base.update_seconds = percentile(update, 0.5);
  for (const std::vector<double>& times : ready) {
    local.ready_seconds.push_back(std::min(percentile(times, 0.5), local.base.compute_seconds));
  }
  return local;
}

comm::TrafficSnapshot difference(const comm::TrafficSnapshot& after,
                                 const comm::TrafficSnapshot& before) {
  comm::TrafficSnapshot moved;
  for (std::size_t i = 0; i < comm::kOperations; ++i) {
    moved.by_operation[i].calls = after.by_operation[i].calls - before.by_operation[i].calls;
    moved.by_operation[i].payload_bytes =
        after.by_operation[i].payload_bytes - before.by_operation[i].payload_bytes;
  }
  return moved;
}

/// Of several exchanges of the same bucket: medians of the times, means of the traffic.
class CostSamples {
 public:
  void add(const compression::ExchangeStatistics& statistics,
           const comm::TrafficSnapshot& traffic) {
    compress_.push_back(statistics.compress_seconds);
    wire_.push_back(statistics.wire_seconds);
    decompress_.push_back(statistics.decompress_seconds);
    for (std::size_t i = 0; i < comm::kOperations; ++i) {
      sum_.by_operation[i].calls += traffic.by_operation[i].calls;
      sum_.by_operation[i].payload_bytes += traffic.by_operation[i].payload_bytes;
    }
  }
  ExchangeCost cost() const {
    ExchangeCost cost{percentile(compress_, 0.5), percentile(wire_, 0.5),
                      percentile(decompress_, 0.5), sum_};
    const auto count = static_cast<std::int64_t>(compress_.size());
    for (comm::OperationTraffic& one : cost.traffic.by_operation) {
      one.calls = (one.calls + count / 2) / count;
      one.payload_bytes = (one.payload_bytes + count / 2) / count;
    }
    return cost;
  }

 private:
  std::vector<double> compress_, wire_, decompress_;
  comm::TrafficSnapshot sum_;
};

/// Seconds since each rank's `start` on the rank where they are most.
double on_slowest_rank(comm::Communicator& group, Clock::time_point start) {
  const auto mine = std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start);
  return comm::median_seconds(group, {mine.count()});
}

/// Exchanges the buckets one by one, several times, each time from the same gradients.
std::vector<ExchangeCost> measure_exchanges(compression::GradientExchange& exchange,
                                            comm::Communicator& group,
                                            const std::vector<Bucket>& gradients) {
  std::vector<CostSamples> samples(gradients.size());
  std::vector<Bucket> buckets;
  buckets.reserve(gradients.size());
  for (const Bucket& bucket : gradients) buckets.push_back(copy_of(bucket));
  const Clock::time_point start = Clock::now();
  std::int64_t steps = kWarmupExchanges + kExchanges;
  for (std::int64_t step = 0; step < steps; ++step) {
    if (step == kWarmupExchanges && on_slowest_rank(group, start) > kManySeconds)
      steps = kWarmupExchanges + kFewExchanges;
    exchange.begin_step(step);
    for (std::size_t i = 0; i < buckets.size(); ++i) {
      buckets[i].flat.copy_(gradients[i].flat);
      comm::finish(group.barrier());
      const comm::TrafficSnapshot before = group.traffic();
      comm::finish(exchange.exchange(buckets[i]));
      const comm::TrafficSnapshot moved = difference(group.traffic(), before);
      const compression::ExchangeStatistics statistics = exchange.take_statistics();
      if (step >= kWarmupExchanges) samples[i].add(statistics, moved);
    }
    exchange.end_step(true);
  }
  std::vector<ExchangeCost> costs;
  costs.reserve(samples.size());
  for (const CostSamples& one : samples) costs.push_back(one.cost());
  return costs;
}

/// "layers.3.mlp.up.weight" -> "layers.*.mlp.up.weight".
std::string pattern_of(const std::string& name) {
  static const std::regex kNumber("(^|\\.)[0-9]+(\\.|$)");
  return std::regex_replace(name, kNumber, "$1*$2");
}

/// The groups of the buckets' parameters, and a bucket with one parameter of each.
std::pair<std::vector<ParameterGroup>, std::vector<Bucket>> group_parameters(
    const std::vector<Bucket>& buckets) {
  std::vector<ParameterGroup> groups;
  std::vector<Bucket> alone;
  std::map<std::pair<std::string, std::vector<std::int64_t>>, std::size_t> index;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    for (const compression::NamedGradient& entry : buckets[i].entries) {
      const auto [place, fresh] =
          index.try_emplace({pattern_of(entry.name), entry.gradient.sizes().vec()}, groups.size());
      if (fresh) {
        groups.push_back({place->first.first, place->first.second,
                          std::vector<std::int64_t>(buckets.size(), 0)});
        alone.push_back({entry.gradient.view({-1}), {entry}});
      }
      ++groups[place->second].in_bucket[i];
    }
  }
  return {groups, alone};
}

MethodCost measure_method(const SweepCell& cell, const Layout& layout, Ranks& all,
                          const std::vector<Bucket>& buckets, const std::vector<Bucket>& alone) {
  config::CompressionConfig compression = cell.config.compression;
  compression.start_step = 0;
  MethodCost method{.name = cell.name, .buckets = {}, .groups = {}};
  for (const auto& [gradients, costs] :
       {std::pair(&buckets, &method.buckets), std::pair(&alone, &method.groups)}) {
    compression::MethodExchange exchange(compression, all.grid.replica_group(),
                                         exchanged_shapes(layout.model),
                                         static_cast<std::uint64_t>(cell.config.run.seed));
    *costs = measure_exchanges(exchange, all.grid.replica_group(), *gradients);
  }
  return method;
}

/// How fast this thread computes while another of this rank does too, on all ranks at once.
double measure_rate_beside_compute(comm::Communicator& world) {
  const auto work = [] {
    at::Tensor matrix = at::full({192, 192}, 1.0 / 192);
    for (int i = 0; i < 60; ++i) matrix = at::mm(matrix, matrix);
  };
  work();
  std::vector<double> rates;
  for (int round = 0; round < 5; ++round) {
    comm::finish(world.barrier());
    const double alone = 1e-9 * static_cast<double>(comm::nanoseconds_of(work));
    comm::finish(world.barrier());
    std::thread other([&] {
      work();
      work();
    });
    const double together = 1e-9 * static_cast<double>(comm::nanoseconds_of(work));
    other.join();
    rates.push_back(std::clamp(alone / together, 0.1, 1.0));
  }
  return percentile(rates, 0.5);
}

double measure_rate_beside_wire(comm::Communicator& group, const comm::LinkModel& link) {
  if (group.size() == 1) return 1;
  const auto in_time = static_cast<std::int64_t>(kLinkSeconds * link.bytes_per_second);
  const comm::BenchmarkCase what{comm::Measured::all_reduce,
                                 std::clamp(in_time, kSmallestBytes, kOverlapBytes), at::kFloat};
  const comm::Overlap overlap = comm::measure_overlap(group, what, {.warmup = 1, .iterations = 5});
  return std::clamp(overlap.hidden(), 0.0, 1.0);
}

}  // namespace

RankRecord measure_rank(const config::Config& config, const Layout& layout,
                        const std::vector<SweepCell>& cells, const comm::LinkModel& link,
                        Ranks& all, const Announce& announce) {
  announce("steps without exchange");
  const LocalSteps local = run_local_steps(config, layout);
  RankRecord record{.base = local.base, .ready_seconds = local.ready_seconds};
  record.base.rate_beside_compute = measure_rate_beside_compute(*all.control);
  record.base.rate_beside_wire = measure_rate_beside_wire(all.grid.replica_group(), link);
  auto [groups, alone] = group_parameters(local.buckets);
  record.groups = std::move(groups);
  for (const SweepCell& cell : cells) {
    announce("exchange " + std::to_string(record.methods.size() + 1) + " of " +
             std::to_string(cells.size()) + ", " + cell.name);
    record.methods.push_back(measure_method(cell, layout, all, local.buckets, alone));
  }
  return record;
}

comm::LinkModel measure_link(comm::Communicator& group, int hosts) {
  if (group.size() == 1) return {.ranks = 1, .hosts = hosts};
  const auto sample = [&](std::int64_t bytes) {
    const comm::Measurement one =
        comm::measure(group, {comm::Measured::all_reduce, bytes, at::kFloat},
                      {.warmup = 1, .iterations = 5}, nullptr);
    return comm::LinkSample{static_cast<double>(one.what.bytes), one.seconds};
  };
  const comm::LinkSample small = sample(64);
  std::int64_t bytes = kSmallestBytes;
  comm::LinkSample large = sample(bytes);
  while (large.seconds < kLinkSeconds && bytes < kLargestBytes) large = sample(bytes *= 4);
  return comm::fit_link(group.size(), hosts, small, large, sample(4 * bytes));
}

}  // namespace spillway::trainer
