#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "compression/bucket.hpp"
#include "compression/gradient_exchange.hpp"
#include "configs/schema.hpp"
#include "parallel/process_grid.hpp"
#include "trainer/layout.hpp"
#include "trainer/model/model_stage.hpp"

namespace spillway::trainer {

/// Names and shapes of what the replicas of a model exchange, in registration order. A model whose
/// vocabulary is not resolved has the tokenizer's.
std::vector<compression::ParameterShape> exchanged_shapes(const config::ModelConfig& model);

/// Brings the gradients of this rank's stages to their mean over all replicas: the exchange of a
/// bucket starts as soon as the last of its gradients is final, in the midst of the stage's last
/// backward, and runs beside the rest of it.
///
/// The two uses of a tied matrix are summed first: where two ranks hold them, by the one with the
/// embedding, which alone exchanges the sum and hands the mean back, so that both copies get the
/// same bits and replicas carry it once. With parallel.reproducible the order is turned around,
/// since only sums of one use over all micro-batches have a fixed tree: each use is exchanged, then
/// the two means are summed. Collective over the pipeline and the replica group: every rank calls
/// the same functions in the same order.
class GradientSync {
 public:
  /// `stages`: this rank's, ascending; they must outlive this.
  GradientSync(const config::Config& config, const Layout& layout,
               const parallel::ProcessGrid& grid, const std::vector<ModelStage*>& stages);

  void begin_step(std::int64_t step);
  /// Throws Error(fault) unless every exchange of the stage (an index into `stages`) has started,
  /// as it has when the stage's last backward is done; that of a tied embedding may wait for the
  /// head on this rank.
  void check_started(std::size_t stage) const;
  /// Waits until every gradient of this rank is the mean over replicas.
  void wait();
  /// See GradientExchange::end_step().
  void end_step(bool keep);

  /// Index in the whole model of the first parameter whose own gradient, before replicas were
  /// mixed, was not finite in this step; -1 if all were.
  std::int64_t first_non_finite() const { return first_non_finite_; }
  compression::GradientExchange& exchange() { return *exchange_; }

  /// Sees each bucket with this replica's own gradients, just before it is exchanged.
  using Observer = std::function<void(const compression::Bucket& bucket)>;
  void observe(Observer observer) { observer_ = std::move(observer); }

 private:
  struct StageBuckets {
    ModelStage* stage = nullptr;
    std::vector<compression::Bucket> buckets = {};
    std::unordered_map<std::string, std::size_t> bucket_of = {};  ///< parameter -> bucket
    std::vector<std::size_t> missing = {};  ///< gradients of the bucket that are not final yet
    std::size_t started = 0;
  };

  void gradient_final(StageBuckets& one, const Parameter& parameter);
  void count_final(StageBuckets& one, const Parameter& parameter);
  void head_final(const Parameter& parameter);
  void note_non_finite(const StageBuckets& one, const compression::Bucket& bucket);
  void note_non_finite(const Parameter& parameter);
  bool is_tied_head(const Parameter& parameter) const;
  /// Ends with the sum on the embedding's rank at least.
  void sum_tied_uses();

  bool reproducible_;
  Observer observer_;
  std::vector<std::unique_ptr<StageBuckets>> stages_;
  std::unique_ptr<compression::GradientExchange> exchange_;
  /// Of the ranks with the embedding (0) and the head (1) of a tied matrix, if they are two.
  std::unique_ptr<comm::Communicator> tied_;
  /// Their gradients of it, as far as this rank has them; else undefined.
  at::Tensor embedding_gradient_, head_gradient_;
  /// Whether this rank has the head's use and it is not final in this step: a weight half may come
  /// late. An embedding of this rank that is final earlier waits for it.
  bool head_missing_ = false;
  std::pair<StageBuckets*, const Parameter*> waits_for_head_ = {};
  std::vector<comm::Work> open_;
  std::int64_t first_non_finite_ = -1;
};

}  // namespace spillway::trainer
