#include "trainer/trainer.hpp"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>

#include "configs/error.hpp"
#include "data/mutate/operator.hpp"
#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/schedules/forward_only.hpp"
#include "trainer/optimizer/gradient_norm.hpp"
#include "trainer/optimizer/learning_rate.hpp"
#include "trainer/stage_options.hpp"
#include "trainer/stop_request.hpp"

namespace spillway::trainer {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

ParameterMap map_parameters(const Layout& layout, int ranks) {
  ParameterMap map;
  for (const ParameterSpec& spec : parameter_specs(layout.model)) map.names.push_back(spec.name);
  map.of_rank.resize(static_cast<std::size_t>(ranks));
  for (int rank = 0; rank < ranks; ++rank) {
    for (const int stage : layout.stages_of(rank)) {
      for (const ParameterSpec& spec :
           parameter_specs(layout.model, layout.slices[static_cast<std::size_t>(stage)])) {
        if (!spec.tied_copy) map.of_rank[static_cast<std::size_t>(rank)].push_back(spec.index);
      }
    }
  }
  return map;
}

std::int64_t most_parameters(const ParameterMap& map) {
  std::size_t most = 0;
  for (const auto& indices : map.of_rank) most = std::max(most, indices.size());
  return static_cast<std::int64_t>(most);
}

/// Rows [first, first + count) of a batch's flat ids as an int64 tensor [count, T].
at::Tensor rows(const std::vector<std::int32_t>& ids, std::int64_t first, std::int64_t count,
                std::int64_t length, at::Device device) {
  const at::Tensor all = at::from_blob(const_cast<std::int32_t*>(ids.data()) + first * length,
                                       {count, length}, at::kInt);
  return all.to(at::TensorOptions().device(device).dtype(at::kLong));
}

}  // namespace

Trainer::Trainer(const config::Config& config, Layout layout, Ranks& ranks)
    : config_(config), ranks_(ranks), layout_(std::move(layout)) {
  parameters_ = map_parameters(layout_, ranks_.grid.stages());
  std::vector<ModelStage*> stages;
  for (const int stage : layout_.stages_of(ranks_.grid.stage())) {
    const Slice& slice = layout_.slices[static_cast<std::size_t>(stage)];
    stages_.push_back(std::make_unique<ModelStage>(
        stage_options(config, layout_.model, slice, layout_.recompute, ranks.device)));
    initialize(stages_.back()->parameters(), layout_.model,
               static_cast<std::uint64_t>(config.run.seed));
    optimizers_.push_back(std::make_unique<AdamW>(config.optimizer, stages_.back()->parameters()));
    stages.push_back(stages_.back().get());
  }
  sync_ = std::make_unique<GradientSync>(config, layout_, ranks_.grid, stages);
  edges_ = std::make_unique<pipeline::Edges>(ranks_.grid, layout_.rank_of_stage);
  vote_ = std::make_unique<StepVote>(*ranks_.control, config.parallel.microbatches,
                                     most_parameters(parameters_));
  loader_ = std::make_unique<data::Loader>(loader_options(false), 0);
}

data::LoaderOptions Trainer::loader_options(bool validation) const {
  const config::ParallelConfig& parallel = config_.parallel;
  const std::int64_t mine = parallel.microbatches * parallel.microbatch_size;
  data::LoaderOptions options;
  options.corpus = config_.data.corpus;
  options.sequence_length = layout_.model.sequence_length;
  options.sequences_per_step = mine * ranks_.grid.replicas();
  options.first = mine * ranks_.grid.replica();
  options.count = mine;
  options.seed = static_cast<std::uint64_t>(config_.run.seed);
  options.validation_share = config_.data.validation;
  options.side = validation ? data::Packer::Side::validation : data::Packer::Side::train;
  options.prefetch = validation ? 1 : config_.data.prefetch;
  if (!validation && config_.mutation.rate > 0) {
    options.mutation_rate = config_.mutation.rate;
    options.operators = data::select_operators(config_.mutation.operators);
  }
  return options;
}

void Trainer::set_microbatches(const data::Batch& batch) {
  const std::int64_t size = config_.parallel.microbatch_size,
                     length = layout_.model.sequence_length;
  for (const auto& stage : stages_) {
    const Slice& slice = stage->options().slice;
    for (std::int64_t j = 0; j < config_.parallel.microbatches; ++j) {
      const at::Tensor tokens = slice.has_embedding
                                    ? rows(batch.tokens, j * size, size, length, ranks_.device)
                                    : at::Tensor();
      const at::Tensor targets = slice.has_head
                                     ? rows(batch.targets, j * size, size, length, ranks_.device)
                                     : at::Tensor();
      if (tokens.defined() || targets.defined())
        stage->set_microbatch(static_cast<int>(j), tokens, targets);
    }
  }
}

pipeline::LocalStages Trainer::local_stages() const {
  pipeline::LocalStages local;
  const std::vector<int> numbers = layout_.stages_of(ranks_.grid.stage());
  for (std::size_t i = 0; i < numbers.size(); ++i) local[numbers[i]] = stages_[i].get();
  return local;
}

StepResult Trainer::step() {
  StepResult result;
  result.step = step_ + 1;
  result.learning_rate = learning_rate(config_.optimizer, step_ - skips_, config_.run.steps);
  const auto start = Clock::now();
  const std::string name = "step " + std::to_string(result.step);
  ranks_.log.works("the batch of " + name);
  const data::Batch batch = loader_->next();
  result.target_tokens = batch.target_tokens_global;
  result.samples = batch.samples_global;
  loader_position_ = batch.next_position;
  RankReport report;
  report.data_wait_seconds = loader_->wait_seconds();
  report.stop_requested = StopRequest::pending();

  const double scale =
      static_cast<double>(ranks_.grid.replicas()) / static_cast<double>(batch.target_tokens_global);
  for (const auto& stage : stages_)
    stage->begin_step(scale, static_cast<int>(config_.parallel.microbatches));
  set_microbatches(batch);
  run_pipeline(report, result);

  const auto update_start = Clock::now();
  measure_gradients(report);
  ranks_.log.waits("the vote of all ranks on " + name);
  result.reports = vote_->exchange(report);
  ranks_.log.works("the update of " + name);
  result.verdict = judge(result.reports, parameters_, batch.target_tokens_global);
  sync_->end_step(result.verdict.keep());
  apply(result);
  result.update_seconds = seconds_since(update_start);
  result.seconds = seconds_since(start);
  return result;
}

void Trainer::run_pipeline(RankReport& report, StepResult& result) {
  const std::vector<int> numbers = layout_.stages_of(ranks_.grid.stage());
  const double sent_before = pipeline_bytes();
  sync_->begin_step(step_);
  report.pipeline_start = std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
  result.timeline = pipeline::execute(
      layout_.lowered, local_stages(), *edges_,
      [&](int stage) {
        const auto found = std::find(numbers.begin(), numbers.end(), stage);
        sync_->check_started(static_cast<std::size_t>(found - numbers.begin()));
      },
      ranks_.log);
  report.bad_parameter = sync_->first_non_finite();
  const auto wait_start = Clock::now();
  ranks_.log.waits("the gradients of all replicas in step " + std::to_string(result.step));
  sync_->wait();
  report.exchange_wait_seconds = seconds_since(wait_start);
  report.pipeline_bytes = pipeline_bytes() - sent_before;
  report.pipeline_seconds = pipeline::span(result.timeline);
  report.busy_seconds = pipeline::usage(result.timeline, report.pipeline_seconds).busy_seconds;
  report.peak_activations =
      pipeline::peak_activations(result.timeline, static_cast<int>(numbers.size()));
}

void Trainer::measure_gradients(RankReport& report) {
  report.loss_sums.assign(static_cast<std::size_t>(config_.parallel.microbatches), 0.0);
  std::vector<SquaredNorm> norms;
  for (const auto& stage : stages_) {
    for (const SquaredNorm& norm : squared_norms(stage->parameters())) norms.push_back(norm);
    if (!stage->options().slice.has_head) continue;
    const at::Tensor losses = stage->loss_sums().cpu();
    for (std::size_t j = 0; j < report.loss_sums.size(); ++j) {
      report.loss_sums[j] = losses.const_data_ptr<double>()[j];
      report.loss_finite = report.loss_finite && std::isfinite(report.loss_sums[j]);
    }
  }
  std::sort(norms.begin(), norms.end(),
            [](const SquaredNorm& a, const SquaredNorm& b) { return a.index < b.index; });
  for (const SquaredNorm& norm : norms) report.squared_norms.push_back(norm.value);

  const compression::ExchangeStatistics exchange = sync_->exchange().take_statistics();
  report.dense_bytes = static_cast<double>(exchange.dense_bytes);
  report.sent_bytes = static_cast<double>(exchange.sent_bytes);
  report.wire_bytes = exchange.wire_bytes;
  report.compress_seconds = exchange.compress_seconds;
  report.wire_seconds = exchange.wire_seconds;
  report.decompress_seconds = exchange.decompress_seconds;
  report.error_squared_norm = exchange.error_norm * exchange.error_norm;
  if (config_.compression.adaptive_rank != "off")
    report.approximation_ranks = sync_->exchange().ranks();
}

void Trainer::apply(const StepResult& result) {
  ++step_;
  if (result.verdict.keep()) {
    const double scale =
        clip_coefficient(result.verdict.gradient_norm, config_.optimizer.clip_norm);
    for (const auto& optimizer : optimizers_) optimizer->step(result.learning_rate, scale);
    tokens_ += result.target_tokens;
    skips_in_a_row_ = 0;
  } else {
    ++skips_;
    ++skips_in_a_row_;
  }
}

double Trainer::evaluate() {
  data::Loader loader(loader_options(true), 0);
  const pipeline::Schedule forwards =
      pipeline::lower(pipeline::forward_only(layout_.rank_of_stage, ranks_.grid.stages(),
                                             static_cast<int>(config_.parallel.microbatches)));
  double loss = 0;
  std::int64_t tokens = 0;
  for (std::int64_t round = 0; round < config_.run.evaluate_steps; ++round) {
    ranks_.log.works("a batch of the evaluation");
    const data::Batch batch = loader.next();
    for (const auto& stage : stages_) stage->begin_evaluation();
    set_microbatches(batch);
    pipeline::execute(
        forwards, local_stages(), *edges_, [](int) {}, ranks_.log);
    RankReport report;
    report.loss_sums.assign(static_cast<std::size_t>(config_.parallel.microbatches), 0.0);
    for (const auto& stage : stages_) {
      if (!stage->options().slice.has_head) continue;
      const at::Tensor losses = stage->loss_sums().cpu();
      std::copy_n(losses.const_data_ptr<double>(), report.loss_sums.size(),
                  report.loss_sums.begin());
    }
    ranks_.log.waits("the losses of all ranks in the evaluation");
    const std::vector<RankReport> reports = vote_->exchange(report);
    loss += sum_losses(reports, static_cast<std::size_t>(ranks_.grid.stages()));
    tokens += batch.target_tokens_global;
  }
  return loss / static_cast<double>(tokens);
}

Trainer::Progress Trainer::progress() const {
  return {.step = step_,
          .skips = skips_,
          .skips_in_a_row = skips_in_a_row_,
          .tokens = tokens_,
          .loader_position = loader_position_};
}

void Trainer::resume(const Progress& progress) {
  step_ = progress.step;
  skips_ = progress.skips;
  skips_in_a_row_ = progress.skips_in_a_row;
  tokens_ = progress.tokens;
  loader_position_ = progress.loader_position;
  loader_ = std::make_unique<data::Loader>(loader_options(false), loader_position_);
}

double Trainer::pipeline_bytes() const {
  double bytes = 0;
  for (const comm::Communicator* edge : {ranks_.grid.to_next(), ranks_.grid.to_previous()}) {
    if (edge) bytes += static_cast<double>(edge->traffic()[comm::Operation::send].payload_bytes);
  }
  return bytes;
}

}  // namespace spillway::trainer
