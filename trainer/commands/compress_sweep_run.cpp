#include "trainer/commands/compress_sweep_run.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "parallel/comm/measured_time.hpp"
#include "trainer/optimizer/gradient_norm.hpp"
#include "trainer/step_statistics.hpp"
#include "trainer/trainer.hpp"

namespace spillway::trainer {
namespace {

/// Compares what an exchange made of the gradients with their exact mean, in chosen steps.
class ExactMean {
 public:
  /// Collective over the replica group of `trainer`, whose buckets it sees from now on.
  explicit ExactMean(Trainer& trainer)
      : group_(trainer.grid().replica_group().split(0, trainer.grid().replica())) {
    trainer.gradient_sync().observe([this](const compression::Bucket& bucket) {
      if (wanted_) buckets_.push_back({bucket.flat, bucket.flat.clone()});
    });
  }

  void want(bool wanted) { wanted_ = wanted; }

  /// After the step, which left the gradients times `scale`: squared norms of exchanged - mean,
  /// mean, exchanged, and the product of the last two, over this rank's stages. Collective over the
  /// replica group.
  std::array<double, 4> squares(double scale) {
    std::array<double, 4> sums{};
    for (const auto& [exchanged, own] : buckets_) {
      comm::finish(group_->all_reduce(own));
      const at::Tensor mean = own.to(at::kDouble).div_(group_->size());
      const at::Tensor out = exchanged.to(at::kDouble).div_(scale);
      sums[0] += (out - mean).square().sum().item<double>();
      sums[1] += mean.square().sum().item<double>();
      sums[2] += out.square().sum().item<double>();
      sums[3] += (out * mean).sum().item<double>();
    }
    buckets_.clear();
    return sums;
  }

 private:
  struct Pair {
    at::Tensor exchanged, own;
  };
  std::unique_ptr<comm::Communicator> group_;
  bool wanted_ = false;
  std::vector<Pair> buckets_;
};

/// Sum over all ranks, on every rank, in rank order.
template <std::size_t N>
std::array<double, N> sum_over_ranks(comm::Communicator& world, const std::array<double, N>& mine) {
  const at::Tensor bytes = at::empty({static_cast<std::int64_t>(sizeof mine)}, at::kByte);
  std::memcpy(bytes.data_ptr(), mine.data(), sizeof mine);
  const at::Tensor all = at::empty({world.size(), bytes.numel()}, at::kByte);
  world.all_gather(all, bytes).wait();
  std::array<double, N> sum{};
  for (int rank = 0; rank < world.size(); ++rank) {
    std::array<double, N> one;
    std::memcpy(one.data(), static_cast<const std::byte*>(all[rank].const_data_ptr()), sizeof one);
    for (std::size_t i = 0; i < N; ++i) sum[i] += one[i];
  }
  return sum;
}

GradientError error_of(std::int64_t step, const std::array<double, 4>& sums) {
  const double tiny = 1e-300;
  return {.step = step,
          .relative_l2 = std::sqrt(sums[0] / std::max(sums[1], tiny)),
          .cosine = sums[3] / std::max(std::sqrt(sums[1] * sums[2]), tiny)};
}

/// What a rank gave: the payload of an all-gather is everyone's.
double given_bytes(const comm::TrafficSnapshot& traffic, int ranks) {
  const std::int64_t gathered = traffic[comm::Operation::all_gather].payload_bytes;
  const std::int64_t own = gathered / ranks;
  return static_cast<double>(traffic.total().payload_bytes - gathered + own);
}

/// What the timed steps have in common, gathered step by step.
struct TimedSteps {
  std::vector<double> step, compress, wire, decompress, exposed, tokens_per_second;
  double payload = 0, wire_bytes = 0, reported = 0, dense = 0;

  void add(const StepResult& result) {
    step.push_back(result.seconds);
    compress.push_back(largest(result.reports, &RankReport::compress_seconds));
    wire.push_back(largest(result.reports, &RankReport::wire_seconds));
    decompress.push_back(largest(result.reports, &RankReport::decompress_seconds));
    exposed.push_back(largest(result.reports, &RankReport::exchange_wait_seconds));
    tokens_per_second.push_back(static_cast<double>(result.target_tokens) / result.seconds);
    reported += sum(result.reports, &RankReport::sent_bytes);
    dense += sum(result.reports, &RankReport::dense_bytes);
  }
};

void summarize(const TimedSteps& timed, const parallel::ProcessGrid& grid,
               comm::Communicator& control, CellResult& result) {
  // Every number is rank 0's or over all ranks, so that all ranks hold the same.
  const std::array<double, 2> mine{
      grid.world().rank() == 0 ? percentile(timed.step, 0.5) : 0,
      grid.world().rank() == 0 ? percentile(timed.tokens_per_second, 0.5) : 0};
  const std::array<double, 2> lead = sum_over_ranks(control, mine);
  const std::array<double, 2> bytes =
      sum_over_ranks(control, std::array<double, 2>{timed.payload, timed.wire_bytes});
  const double steps = static_cast<double>(timed.step.size()), replicas = grid.replicas();
  result.step_seconds = lead[0];
  result.tokens_per_second = lead[1];
  result.compress_seconds = percentile(timed.compress, 0.5);
  result.wire_seconds = percentile(timed.wire, 0.5);
  result.decompress_seconds = percentile(timed.decompress, 0.5);
  result.exposed_seconds = percentile(timed.exposed, 0.5);
  result.payload_bytes = bytes[0] / steps / replicas;
  result.wire_bytes = bytes[1] / steps / replicas;
  result.reported_bytes = timed.reported / steps / replicas;
  result.dense_bytes = timed.dense / steps / replicas;
}

bool due(std::int64_t step, std::int64_t every) { return every > 0 && step % every == every - 1; }

}  // namespace

CellResult run_cell(const SweepCell& cell, const SweepOptions& options, const Layout& layout,
                    Ranks& ranks, const std::function<void(std::int64_t)>& step_done) {
  CellResult result{.name = cell.name};
  for (const config::Override& setting : config::setting_values(cell.config)) {
    if (setting.first.starts_with("compression.")) result.settings.push_back(setting);
  }
  Trainer trainer(cell.config, layout, ranks);
  ExactMean exact(trainer);
  TimedSteps timed;
  double elapsed = 0, usual = 0;
  for (std::int64_t step = 0; step < options.steps; ++step) {
    const bool reference = due(step, options.reference_every);
    exact.want(reference);
    const comm::TrafficSnapshot before = trainer.grid().replica_group().traffic();
    const StepResult done = trainer.step();
    const comm::TrafficSnapshot after = trainer.grid().replica_group().traffic();
    if (!reference) usual = done.seconds;
    elapsed += usual;  // a step with an exact mean counts as its neighbour
    result.loss.push_back(done.verdict.loss);
    result.elapsed.push_back(elapsed);
    if (!done.verdict.keep()) ++result.skipped;
    if (reference) {
      const double scale = done.verdict.keep() ? clip_coefficient(done.verdict.gradient_norm,
                                                                  cell.config.optimizer.clip_norm)
                                               : 1;
      result.errors.push_back(
          error_of(done.step, sum_over_ranks(*ranks.control, exact.squares(scale))));
    } else if (step >= options.timed_from) {
      timed.add(done);
      timed.payload += given_bytes(after, trainer.grid().replicas()) -
                       given_bytes(before, trainer.grid().replicas());
      timed.wire_bytes += after.total().wire_bytes - before.total().wire_bytes;
    }
    result.error_norm = std::sqrt(sum(done.reports, &RankReport::error_squared_norm));
    step_done(step + 1);
  }
  summarize(timed, trainer.grid(), *ranks.control, result);
  return result;
}

}  // namespace spillway::trainer
