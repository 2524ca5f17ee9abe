#include "trainer/gradient_sync.hpp"

#include "compression/make_exchange.hpp"

namespace spillway::trainer {
namespace {

std::vector<compression::ParameterShape> shapes(const config::ModelConfig& model) {
  std::vector<compression::ParameterShape> all;
  for (const ParameterSpec& spec : parameter_specs(model)) all.push_back({spec.name, spec.shape});
  return all;
}

/// Buckets over all gradients of a store but the tied copy, which splits the flat buffer into a run
/// before and one after it.
std::vector<compression::Bucket> make_stage_buckets(const ParameterStore& store,
                                                    double bucket_mib) {
  std::vector<compression::Bucket> buckets;
  std::vector<compression::NamedGradient> run;
  std::int64_t run_begin = 0, run_end = 0;
  const auto close_run = [&](std::int64_t next_begin) {
    if (!run.empty()) {
      const at::Tensor flat = store.gradients().narrow(0, run_begin, run_end - run_begin);
      for (compression::Bucket& bucket : compression::make_buckets(flat, run, bucket_mib)) {
        buckets.push_back(std::move(bucket));
      }
    }
    run.clear();
    run_begin = next_begin;
  };
  for (const Parameter& parameter : store.parameters()) {
    const std::int64_t end = parameter.offset + parameter.gradient.numel();
    if (parameter.spec.tied_copy) {
      close_run(end);
    } else {
      run.push_back({parameter.spec.name, parameter.gradient});
      run_end = end;
    }
  }
  close_run(run_end);
  return buckets;
}

}  // namespace

GradientSync::GradientSync(const config::Config& config, const Layout& layout,
                           const parallel::ProcessGrid& grid,
                           const std::vector<ModelStage*>& stages)
    : tied_(layout.model.tied_embeddings ? grid.tied() : nullptr),
      exchange_(compression::make_gradient_exchange(config.compression, grid.replica_group(),
                                                    shapes(layout.model),
                                                    static_cast<std::uint64_t>(config.run.seed))) {
  for (ModelStage* stage : stages) {
    StageBuckets one{
        .stage = stage,
        .buckets = make_stage_buckets(stage->parameters(), config.compression.bucket_mib)};
    if (tied_) one.tied_gradient = stage->tied_gradient();
    one.owns_tied = stage->options().slice.has_embedding;
    stages_.push_back(std::move(one));
  }
}

void GradientSync::begin_step(std::int64_t step) { exchange_->begin_step(step); }

void GradientSync::gradients_final(std::size_t stage) {
  StageBuckets& one = stages_.at(stage);
  one.stage->finish_gradients();
  if (one.tied_gradient.defined()) {
    comm::Work sum = tied_->all_reduce(one.tied_gradient);
    if (one.owns_tied)
      sum.wait();
    else
      open_.push_back(std::move(sum));
  }
  for (const compression::Bucket& bucket : one.buckets)
    open_.push_back(exchange_->exchange(bucket));
}

void GradientSync::wait() {
  for (const comm::Work& work : open_) work.wait();
  open_.clear();
  for (const StageBuckets& one : stages_) {
    if (one.tied_gradient.defined()) tied_->broadcast(one.tied_gradient, 0).wait();
  }
}

void GradientSync::end_step(bool keep) { exchange_->end_step(keep); }

}  // namespace spillway::trainer
