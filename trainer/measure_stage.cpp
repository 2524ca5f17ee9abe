#include "trainer/measure_stage.hpp"

#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>

#include <chrono>

#include "trainer/step_statistics.hpp"

namespace spillway::trainer {
namespace {

constexpr int kMicrobatches = 5;
constexpr int kFewest = 3, kMost = 8;  // rounds, behind one of warm-up
constexpr double kEnoughSeconds = 1;
constexpr double kMedian = 0.5;

class Measurement {
 public:
  explicit Measurement(const StageOptions& options) : options_(options), stage_(options) {
    initialize(stage_.parameters(), options.model, 1);
    tokens_ = at::arange(options.microbatch_size * options.model.sequence_length, at::kLong)
                  .remainder(options.model.vocabulary)
                  .view({options.microbatch_size, -1});
    edge_ =
        at::randn({options.microbatch_size, options.model.sequence_length, options.model.hidden})
            .to(at::TensorOptions().dtype(stage_.edge_type()).device(options.device));
  }

  /// The next forward is ahead of each backward: memory that nothing holds goes back to the system,
  /// and getting it again would be measured.
  void round() {
    stage_.begin_step(1e-3, kMicrobatches);
    run_forward(0);
    for (int next = 1; next < kMicrobatches; ++next) {
      run_forward(next);
      if (next % 2 == 1) {
        run_whole(next - 1);
      } else {
        run_split(next - 1);
      }
    }
  }
  void forget() {
    forward_.clear(), input_.clear(), weight_.clear(), whole_.clear(), again_.clear();
  }

  pipeline::StageCosts medians() const {
    return {.forward = percentile(forward_, kMedian),
            .backward_input = percentile(input_, kMedian),
            .backward_weight = percentile(weight_, kMedian),
            .backward = percentile(whole_, kMedian),
            .recompute = percentile(again_, kMedian)};
  }

 private:
  void run_whole(int microbatch) {
    run_recompute(microbatch);
    timed(whole_, [&] { stage_.backward(microbatch, gradient()); });
  }

  void run_split(int microbatch) {
    run_recompute(microbatch);
    timed(input_, [&] { stage_.backward_input(microbatch, gradient()); });
    timed(weight_, [&] { stage_.backward_weight(microbatch); });
  }

  void run_forward(int microbatch) {
    const Slice& slice = options_.slice;
    stage_.set_microbatch(microbatch, slice.has_embedding ? tokens_ : at::Tensor(),
                          slice.has_head ? tokens_ : at::Tensor());
    timed(forward_,
          [&] { stage_.forward(microbatch, slice.has_embedding ? at::Tensor() : edge_); });
  }

  void run_recompute(int microbatch) {
    if (stage_.recomputes()) {
      timed(again_, [&] { stage_.recompute(microbatch); });
    } else {
      again_.push_back(0);
    }
  }

  at::Tensor gradient() const { return options_.slice.has_head ? at::Tensor() : edge_; }

  template <typename Call>
  void timed(std::vector<double>& seconds, const Call& call) const {
    const auto start = std::chrono::steady_clock::now();
    call();
    if (options_.device.is_cuda()) at::accelerator::synchronizeDevice(options_.device.index());
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }

  const StageOptions& options_;
  ModelStage stage_;
  at::Tensor tokens_, edge_;
  std::vector<double> forward_, input_, weight_, whole_, again_;
};

}  // namespace

pipeline::StageCosts measure_stage(const StageOptions& options) {
  using Clock = std::chrono::steady_clock;
  Measurement measurement(options);
  measurement.round();
  measurement.forget();
  const auto enough = Clock::now() + std::chrono::duration<double>(kEnoughSeconds);
  for (int round = 0; round < kFewest || (round < kMost && Clock::now() < enough); ++round) {
    measurement.round();
  }
  return measurement.medians();
}

}  // namespace spillway::trainer
