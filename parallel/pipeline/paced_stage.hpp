#pragma once

#include <cstdint>

#include "parallel/pipeline/simulate.hpp"
#include "parallel/pipeline/stage.hpp"

namespace spillway::pipeline {

/// A stage that waits instead of computing: every action takes its given time, and tensors of the
/// size of the edge cross to the neighbours. No model, no device; the thread sleeps, so that many
/// ranks share a core. A wait ends 10 to 60 us late.
class PacedStage final : public Stage {
 public:
  struct Options {
    int stage = 0;
    int stages = 1;
    StageCosts costs = {};        ///< seconds
    std::int64_t edge_bytes = 0;  ///< of one micro-batch's activation, and of its gradient
  };
  explicit PacedStage(const Options& options);

  at::Tensor make_input(int microbatch) override;
  at::Tensor forward(int microbatch, at::Tensor input) override;
  at::Tensor backward(int microbatch, at::Tensor output_gradient) override;
  at::Tensor backward_input(int microbatch, at::Tensor output_gradient) override;
  void backward_weight(int microbatch) override;

 private:
  at::Tensor gradient() const;

  Options options_;
  at::Tensor edge_;  ///< what every message carries
};

}  // namespace spillway::pipeline
