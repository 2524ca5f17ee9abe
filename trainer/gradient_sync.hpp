#pragma once

#include <memory>
#include <vector>

#include "compression/bucket.hpp"
#include "compression/gradient_exchange.hpp"
#include "configs/schema.hpp"
#include "parallel/process_grid.hpp"
#include "trainer/layout.hpp"
#include "trainer/model/model_stage.hpp"

namespace spillway::trainer {

/// Brings the gradients of this rank's stages to their mean over all replicas, as soon as the
/// pipeline says that they are final.
///
/// A tied matrix with its two uses on two ranks is summed over both (the tied group), then
/// exchanged by the embedding's rank alone, which hands the mean to the head's rank: both copies
/// get the same bits, and replicas carry it once. Collective over the pipeline and the replica
/// group: every rank calls the same functions in the same order.
class GradientSync {
 public:
  /// `stages`: this rank's, ascending; they must outlive this.
  GradientSync(const config::Config& config, const Layout& layout,
               const parallel::ProcessGrid& grid, const std::vector<ModelStage*>& stages);

  void begin_step(std::int64_t step);
  /// The last backward of the stage (an index into `stages`) is done. Returns at once, except that
  /// the embedding's rank waits for the head's half of a tied gradient, which the last stage has
  /// long sent.
  void gradients_final(std::size_t stage);
  /// Waits until every gradient of this rank is the mean over replicas.
  void wait();
  /// See GradientExchange::end_step().
  void end_step(bool keep);

  compression::GradientExchange& exchange() { return *exchange_; }

 private:
  struct StageBuckets {
    ModelStage* stage = nullptr;
    std::vector<compression::Bucket> buckets;
    at::Tensor tied_gradient =
        {};                  ///< of a tied matrix that another rank holds too, else undefined
    bool owns_tied = false;  ///< the embedding's rank
  };

  comm::Communicator* tied_;
  std::vector<StageBuckets> stages_;
  std::unique_ptr<compression::GradientExchange> exchange_;
  std::vector<comm::Work> open_;
};

}  // namespace spillway::trainer
