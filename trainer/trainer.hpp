#pragma once

#include <memory>
#include <string>
#include <vector>

#include "configs/schema.hpp"
#include "data/loader.hpp"
#include "parallel/pipeline/edges.hpp"
#include "parallel/pipeline/execute.hpp"
#include "trainer/gradient_sync.hpp"
#include "trainer/layout.hpp"
#include "trainer/model/model_stage.hpp"
#include "trainer/optimizer/adamw.hpp"
#include "trainer/ranks.hpp"
#include "trainer/step_vote.hpp"
#include "trainer/verdict.hpp"

namespace spillway::trainer {

/// Everything one step did, as all ranks know it.
struct StepResult {
  std::int64_t step = 0;  ///< number of this step, from 1
  Verdict verdict;
  double learning_rate = 0;
  std::int64_t target_tokens = 0;   ///< of the global batch, without padding
  double seconds = 0;               ///< on this rank, from asking for data to the end of the update
  double update_seconds = 0;        ///< vote, clipping and optimizer, on this rank
  std::vector<RankReport> reports;  ///< by world rank
  data::CategoryCounts samples{};   ///< that begin in the global batch, by data::Category
  pipeline::Timeline timeline;      ///< of this rank
};

/// The training step: batch, pipeline, exchange, vote, update. One per rank; all methods are
/// collective over all ranks of `ranks`. All ranks hold the same step count and loader position;
/// weights, moments, schedule and compression state change only if every rank found the step
/// finite.
class Trainer {
 public:
  /// `layout`: of this configuration, the same on all ranks.
  Trainer(const config::Config& config, Layout layout, Ranks& ranks);

  StepResult step();
  /// Mean loss per token over the first run.evaluate_steps global batches of the held-out samples;
  /// changes nothing.
  double evaluate();

  std::int64_t steps_done() const { return step_; }
  std::int64_t skips_in_a_row() const { return skips_in_a_row_; }
  std::int64_t tokens_seen() const { return tokens_; }
  const Layout& layout() const { return layout_; }

  /// Parts that a checkpoint saves and restores.
  struct Progress {
    std::int64_t step = 0;
    std::int64_t skips = 0;
    std::int64_t skips_in_a_row = 0;
    std::int64_t tokens = 0;
    std::int64_t loader_position = 0;
  };
  Progress progress() const;
  void resume(const Progress& progress);
  const std::vector<std::unique_ptr<ModelStage>>& stages() const { return stages_; }
  const std::vector<std::unique_ptr<AdamW>>& optimizers() const { return optimizers_; }
  compression::GradientExchange& exchange() { return sync_->exchange(); }
  GradientSync& gradient_sync() { return *sync_; }
  const parallel::ProcessGrid& grid() const { return ranks_.grid; }

 private:
  data::LoaderOptions loader_options(bool validation) const;
  void set_microbatches(const data::Batch& batch);
  pipeline::LocalStages local_stages() const;
  void run_pipeline(RankReport& report, StepResult& result);
  void measure_gradients(RankReport& report);
  void apply(const StepResult& result);
  double pipeline_bytes() const;

  const config::Config& config_;
  Ranks& ranks_;
  Layout layout_;
  ParameterMap parameters_;
  std::vector<std::unique_ptr<ModelStage>> stages_;  ///< this rank's, ascending
  std::vector<std::unique_ptr<AdamW>> optimizers_;   ///< one a stage
  std::unique_ptr<GradientSync> sync_;
  std::unique_ptr<pipeline::Edges> edges_;
  std::unique_ptr<StepVote> vote_;
  std::unique_ptr<data::Loader> loader_;
  std::int64_t step_ = 0, skips_ = 0, skips_in_a_row_ = 0, tokens_ = 0, loader_position_ = 0;
};

}  // namespace spillway::trainer
