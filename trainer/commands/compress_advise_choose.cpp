#include "trainer/commands/compress_advise_choose.hpp"

#include <algorithm>
#include <numeric>
#include <set>

namespace spillway::trainer {
namespace {

constexpr double kSlowest = 1e4, kFastest = 1e12;  ///< bytes/s between which break-even is sought

/// Which method a group has, by index in the record's methods.
using Choice = std::vector<std::size_t>;

/// The traffic of a group of another size: an all-gather's payload is everyone's part.
comm::TrafficSnapshot scaled(comm::TrafficSnapshot traffic, int from, int to) {
  auto& gathered =
      traffic.by_operation[static_cast<std::size_t>(comm::Operation::all_gather)].payload_bytes;
  gathered = gathered * to / from;
  return traffic;
}

void add(comm::TrafficSnapshot& sum, const comm::TrafficSnapshot& more, double bytes_times,
         bool calls) {
  for (std::size_t i = 0; i < comm::kOperations; ++i) {
    if (calls) sum.by_operation[i].calls += more.by_operation[i].calls;
    sum.by_operation[i].payload_bytes += static_cast<std::int64_t>(
        bytes_times * static_cast<double>(more.by_operation[i].payload_bytes));
  }
}

double given_bytes(const comm::TrafficSnapshot& traffic, int replicas) {
  double bytes = 0;
  for (std::size_t i = 0; i < comm::kOperations; ++i) {
    const auto payload = static_cast<double>(traffic.by_operation[i].payload_bytes);
    bytes += static_cast<comm::Operation>(i) == comm::Operation::all_gather ? payload / replicas
                                                                            : payload;
  }
  return bytes;
}

class Adviser {
 public:
  explicit Adviser(const AdviceInput& input) : input_(input) {}

  double wire_seconds(const comm::TrafficSnapshot& traffic, const comm::LinkModel& link) const {
    return link.seconds(scaled(traffic, input_.replicas, link.ranks));
  }

  /// Each bucket by one method. `measured`: wire times as measured, not those of `link`.
  std::vector<BucketCost> whole(const RankRecord& rank, std::size_t method,
                                const comm::LinkModel& link, bool measured) const {
    std::vector<BucketCost> costs;
    for (std::size_t i = 0; i < rank.ready_seconds.size(); ++i) {
      const ExchangeCost& one = rank.methods[method].buckets[i];
      costs.push_back({rank.ready_seconds[i], one.compress_seconds,
                       measured ? one.wire_seconds : wire_seconds(one.traffic, link),
                       one.decompress_seconds});
    }
    return costs;
  }

  /// Each group by its own method. What groups cost alone is scaled so that a bucket of one method
  /// costs what it does as a whole: one call for all spares the overhead of many.
  std::vector<BucketCost> mixed(const RankRecord& rank, const Choice& choice) const {
    std::vector<BucketCost> costs;
    for (std::size_t i = 0; i < rank.ready_seconds.size(); ++i) {
      BucketCost cost{.ready_seconds = rank.ready_seconds[i]};
      comm::TrafficSnapshot traffic;
      for (const std::size_t method : std::set<std::size_t>(choice.begin(), choice.end())) {
        const ExchangeCost& bucket = rank.methods[method].buckets[i];
        const Share share = share_of(rank, choice, method, i);
        if (share.members == 0) continue;
        cost.compress_seconds += bucket.compress_seconds * share.compute;
        cost.decompress_seconds += bucket.decompress_seconds * share.compute;
        add(traffic, bucket.traffic, share.bytes, true);
      }
      cost.wire_seconds = wire_seconds(traffic, input_.link);
      costs.push_back(cost);
    }
    return costs;
  }

  template <class Buckets>
  StepPrediction step(const Buckets& buckets_of) const {
    StepPrediction slowest;
    double update = input_.ranks.front().base.update_seconds;
    for (const RankRecord& rank : input_.ranks) {
      StepBase base = rank.base;
      update = std::min(update, base.update_seconds);  // more is waiting for the slowest
      base.update_seconds = 0;
      const StepPrediction one = predict_step(base, buckets_of(rank));
      if (one.step_seconds > slowest.step_seconds) slowest = one;
    }
    slowest.step_seconds += update;
    return slowest;
  }

  double step_seconds(std::size_t method, const comm::LinkModel& link) const {
    return step([&](const RankRecord& rank) { return whole(rank, method, link, false); })
        .step_seconds;
  }

 private:
  /// Of what a method costs for a whole bucket.
  struct Share {
    double compute = 0, bytes = 0;
    std::int64_t members = 0;
  };
  Share share_of(const RankRecord& rank, const Choice& choice, std::size_t method,
                 std::size_t bucket) const {
    Share mine;
    double compute = 0, bytes = 0;
    for (std::size_t g = 0; g < rank.groups.size(); ++g) {
      const ExchangeCost& alone = rank.methods[method].groups[g];
      const auto count = static_cast<double>(rank.groups[g].in_bucket[bucket]);
      const double group_compute = count * alone.compute_seconds(),
                   group_bytes = count * given_bytes(alone.traffic, input_.replicas);
      compute += group_compute;
      bytes += group_bytes;
      if (choice[g] != method) continue;
      mine.compute += group_compute;
      mine.bytes += group_bytes;
      mine.members += rank.groups[g].in_bucket[bucket];
    }
    return {compute > 0 ? mine.compute / compute : 0, bytes > 0 ? mine.bytes / bytes : 0,
            mine.members};
  }

  const AdviceInput& input_;
};

MethodAdvice advise_method(const AdviceInput& input, const Adviser& adviser, std::size_t method) {
  MethodAdvice advice{.name = input.ranks.front().methods[method].name};
  const auto buckets_of = [&](const RankRecord& rank) {
    return adviser.whole(rank, method, input.link, input.link_is_present);
  };
  const StepPrediction step = adviser.step(buckets_of);
  advice.step_seconds = step.step_seconds;
  advice.exposed_seconds = step.exposed_seconds;
  for (const RankRecord& rank : input.ranks) {
    BucketCost sum;
    for (const BucketCost& one : buckets_of(rank)) {
      sum.compress_seconds += one.compress_seconds;
      sum.wire_seconds += one.wire_seconds;
      sum.decompress_seconds += one.decompress_seconds;
    }
    double bytes = 0;
    for (const ExchangeCost& one : rank.methods[method].buckets)
      bytes += given_bytes(one.traffic, input.replicas);
    advice.compress_seconds = std::max(advice.compress_seconds, sum.compress_seconds);
    advice.wire_seconds = std::max(advice.wire_seconds, sum.wire_seconds);
    advice.decompress_seconds = std::max(advice.decompress_seconds, sum.decompress_seconds);
    advice.payload_bytes = std::max(advice.payload_bytes, bytes);
  }
  const auto sent = [&](std::size_t m) {
    double bytes = 0;
    for (const RankRecord& rank : input.ranks) {
      for (const ExchangeCost& one : rank.methods[m].buckets)
        bytes += given_bytes(one.traffic, input.replicas);
    }
    return bytes;
  };
  if (sent(method) > 0.99 * sent(0)) return advice;  // no bandwidth is low enough for more bytes
  advice.break_even = break_even(
      [&](double bandwidth) {
        comm::LinkModel link = input.link;
        link.bytes_per_second = bandwidth;
        return adviser.step_seconds(0, link) - adviser.step_seconds(method, link);
      },
      kSlowest, kFastest);
  return advice;
}

/// One parameter of a group on its own, without overlap.
struct Alone {
  double seconds = 0, other_than_bytes = 0, link_bytes = 0;
};
Alone alone(const AdviceInput& input, const Adviser& adviser, const ExchangeCost& cost) {
  comm::LinkModel latency = input.link, unit = input.link;
  latency.bytes_per_second = 0;
  unit.latency_seconds = unit.burst_bytes = 0;
  unit.bytes_per_second = 1;
  return {cost.compute_seconds() + adviser.wire_seconds(cost.traffic, input.link),
          cost.compute_seconds() + adviser.wire_seconds(cost.traffic, latency),
          adviser.wire_seconds(cost.traffic, unit)};
}

GroupAdvice advise_group(const AdviceInput& input, const Adviser& adviser, std::size_t rank,
                         std::size_t group, std::size_t& chosen) {
  const RankRecord& record = input.ranks[rank];
  const auto of = [&](std::size_t method) {
    return alone(input, adviser, record.methods[method].groups[group]);
  };
  GroupAdvice advice{.group = record.groups[group]};
  const std::vector<std::int64_t>& counts = advice.group.in_bucket;
  advice.count = std::accumulate(counts.begin(), counts.end(), std::int64_t{0});
  const Alone baseline = of(0);
  std::size_t best = 0, compressor = 0;
  for (std::size_t method = 1; method < record.methods.size(); ++method) {
    if (of(method).seconds < of(best).seconds) best = method;
    const bool smaller = of(method).link_bytes < 0.99 * baseline.link_bytes;
    if (smaller && (compressor == 0 || of(method).seconds < of(compressor).seconds))
      compressor = method;
  }
  advice.best = record.methods[best].name;
  advice.best_seconds = of(best).seconds;
  advice.baseline_seconds = baseline.seconds;
  if (compressor > 0) {
    const Alone other = of(compressor);
    advice.compressor = record.methods[compressor].name;
    advice.break_even = break_even_without_overlap(
        baseline.link_bytes, other.link_bytes, other.other_than_bytes - baseline.other_than_bytes);
  }
  chosen = best;
  return advice;
}

}  // namespace

Advice advise(const AdviceInput& input) {
  const Adviser adviser(input);
  Advice advice;
  for (std::size_t method = 0; method < input.ranks.front().methods.size(); ++method) {
    advice.methods.push_back(advise_method(input, adviser, method));
    if (advice.methods[method].step_seconds < advice.methods[advice.best].step_seconds)
      advice.best = method;
  }
  std::vector<Choice> choices;
  std::set<std::pair<std::string, std::vector<std::int64_t>>> seen;
  for (std::size_t rank = 0; rank < input.ranks.size(); ++rank) {
    Choice choice(input.ranks[rank].groups.size(), 0);
    for (std::size_t group = 0; group < choice.size(); ++group) {
      GroupAdvice one = advise_group(input, adviser, rank, group, choice[group]);
      // Replicas have the same groups: the first that has one speaks for it.
      if (seen.insert({one.group.pattern, one.group.shape}).second)
        advice.groups.push_back(std::move(one));
    }
    choices.push_back(std::move(choice));
  }
  advice.mix_seconds = adviser
                           .step([&](const RankRecord& rank) {
                             const auto index =
                                 static_cast<std::size_t>(&rank - input.ranks.data());
                             return adviser.mixed(rank, choices[index]);
                           })
                           .step_seconds;
  return advice;
}

}  // namespace spillway::trainer
