#include "trainer/gradient_sync.hpp"

#include "compression/method_exchange.hpp"
#include "compression/tree_mean.hpp"
#include "configs/error.hpp"
#include "data/tokens/byte_tokenizer.hpp"
#include "trainer/optimizer/gradient_norm.hpp"

namespace spillway::trainer {
namespace {

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

std::unique_ptr<compression::GradientExchange> make_exchange(const config::Config& config,
                                                             const Layout& layout,
                                                             const parallel::ProcessGrid& grid) {
  if (config.parallel.reproducible)
    return std::make_unique<compression::TreeMeanExchange>(grid.replica_group());
  return std::make_unique<compression::MethodExchange>(config.compression, grid.replica_group(),
                                                       exchanged_shapes(layout.model),
                                                       static_cast<std::uint64_t>(config.run.seed));
}

/// The group of the two ranks that hold a tied matrix, the embedding's first; null elsewhere, and
/// where one rank holds both. Collective over the pipeline.
std::unique_ptr<comm::Communicator> make_tied_group(const Layout& layout,
                                                    const parallel::ProcessGrid& grid) {
  const int embedding = layout.rank_of_stage.front(), head = layout.rank_of_stage.back();
  if (!layout.model.tied_embeddings || embedding == head) return nullptr;
  const bool member = grid.stage() == embedding || grid.stage() == head;
  return grid.pipeline().split(member ? 0 : -1, grid.stage() == embedding ? 0 : 1);
}

}  // namespace

std::vector<compression::ParameterShape> exchanged_shapes(const config::ModelConfig& model) {
  std::vector<compression::ParameterShape> shapes;
  for (const ParameterSpec& spec : parameter_specs(resolve(model, data::kVocabulary)))
    shapes.push_back({spec.name, spec.shape});
  return shapes;
}

GradientSync::GradientSync(const config::Config& config, const Layout& layout,
                           const parallel::ProcessGrid& grid,
                           const std::vector<ModelStage*>& stages)
    : reproducible_(config.parallel.reproducible),
      exchange_(make_exchange(config, layout, grid)),
      tied_(make_tied_group(layout, grid)) {
  for (ModelStage* stage : stages) {
    auto one = std::make_unique<StageBuckets>();
    one->stage = stage;
    one->buckets = make_stage_buckets(stage->parameters(), config.compression.bucket_mib);
    for (std::size_t i = 0; i < one->buckets.size(); ++i) {
      for (const auto& entry : one->buckets[i].entries) one->bucket_of.emplace(entry.name, i);
    }
    if (layout.model.tied_embeddings) {
      const ParameterStore& store = stage->parameters();
      const Slice& slice = stage->options().slice;
      if (slice.has_embedding) embedding_gradient_ = store.at(kTokenEmbedding).gradient;
      if (slice.has_head) head_gradient_ = store.tied_head().gradient;
    }
    stage->on_gradient_final([this, &buckets = *one](const Parameter& parameter) {
      gradient_final(buckets, parameter);
    });
    stages_.push_back(std::move(one));
  }
}

void GradientSync::begin_step(std::int64_t step) {
  exchange_->begin_step(step);
  first_non_finite_ = -1;
  head_missing_ = head_gradient_.defined();
  for (const auto& one : stages_) {
    one->started = 0;
    one->missing.clear();
    for (const compression::Bucket& bucket : one->buckets)
      one->missing.push_back(bucket.entries.size());
  }
}

void GradientSync::gradient_final(StageBuckets& one, const Parameter& parameter) {
  if (is_tied_head(parameter)) return head_final(parameter);
  // A value is noted before another rank's is mixed into it: here it is still known whose it is.
  const bool tied = embedding_gradient_.defined() && parameter.spec.name == kTokenEmbedding;
  if (tied) note_non_finite(parameter);
  if (tied && !reproducible_) {
    if (head_missing_) {
      waits_for_head_ = {&one, &parameter};
      return;
    }
    sum_tied_uses();
  }
  count_final(one, parameter);
}

void GradientSync::count_final(StageBuckets& one, const Parameter& parameter) {
  const std::size_t i = one.bucket_of.at(parameter.spec.name);
  if (--one.missing.at(i) > 0) return;
  note_non_finite(one, one.buckets[i]);
  if (observer_) observer_(one.buckets[i]);
  open_.push_back(exchange_->exchange(one.buckets[i]));
  ++one.started;
}

void GradientSync::head_final(const Parameter& parameter) {
  note_non_finite(parameter);
  if (reproducible_) {
    const compression::Bucket alone{parameter.gradient.view({-1}),
                                    {{parameter.spec.name, parameter.gradient}}};
    open_.push_back(exchange_->exchange(alone));
  } else if (tied_) {
    open_.push_back(tied_->all_reduce(head_gradient_));
  }
  head_missing_ = false;
  if (!waits_for_head_.first) return;
  sum_tied_uses();
  count_final(*waits_for_head_.first, *waits_for_head_.second);
  waits_for_head_ = {};
}

void GradientSync::note_non_finite(const StageBuckets& one, const compression::Bucket& bucket) {
  if (all_finite(bucket.flat)) return;
  for (const auto& entry : bucket.entries) {
    const Parameter& parameter = one.stage->parameters().at(entry.name);
    const bool noted = parameter.gradient.is_same(embedding_gradient_);
    if (!noted) note_non_finite(parameter);
  }
}

void GradientSync::note_non_finite(const Parameter& parameter) {
  if (all_finite(parameter.gradient)) return;
  const bool first = first_non_finite_ < 0 || parameter.spec.index < first_non_finite_;
  if (first) first_non_finite_ = parameter.spec.index;
}

bool GradientSync::is_tied_head(const Parameter& parameter) const {
  return head_gradient_.defined() &&
         head_gradient_.const_data_ptr() == parameter.gradient.const_data_ptr();
}

/// Both halves of this rank are final.
void GradientSync::sum_tied_uses() {
  if (tied_) {
    tied_->all_reduce(embedding_gradient_.defined() ? embedding_gradient_ : head_gradient_).wait();
  } else if (embedding_gradient_.defined()) {
    embedding_gradient_.add_(head_gradient_);
  }
}

void GradientSync::check_started(std::size_t stage) const {
  const StageBuckets& one = *stages_.at(stage);
  if (one.started == one.buckets.size() || waits_for_head_.first == &one) return;
  fail(std::to_string(one.started) + " of " + std::to_string(one.buckets.size()) +
       " gradient exchanges have started behind the last backward of a stage");
}

void GradientSync::wait() {
  for (const comm::Work& work : open_) work.wait();
  open_.clear();
  if (reproducible_) sum_tied_uses();
  if (tied_) {
    if (reproducible_) return;  // both ranks have the sum
    tied_->broadcast(embedding_gradient_.defined() ? embedding_gradient_ : head_gradient_, 0)
        .wait();
  } else if (head_gradient_.defined() && !head_gradient_.is_alias_of(embedding_gradient_)) {
    head_gradient_.copy_(embedding_gradient_);
  }
}

void GradientSync::end_step(bool keep) { exchange_->end_step(keep); }

}  // namespace spillway::trainer
