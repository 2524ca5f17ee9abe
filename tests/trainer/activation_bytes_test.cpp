#include "trainer/activation_bytes.hpp"

#include <ATen/ATen.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>
#include <gtest/gtest.h>

#include <atomic>

#include "tests/trainer/model/small_models.hpp"

namespace spillway::trainer {
namespace {

/// Counts the bytes that the CPU allocator has out.
class Meter : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void* /*pointer*/, std::int64_t bytes, std::size_t /*allocated*/,
                         std::size_t /*reserved*/, c10::Device /*device*/) override {
    bytes_ += bytes;
  }
  bool memoryProfilingEnabled() const override { return true; }
  std::int64_t bytes() const { return bytes_; }

 private:
  std::atomic<std::int64_t> bytes_ = 0;
};

/// Bytes that the forward of one micro-batch leaves behind, per token.
double measured(const config::ModelConfig& model, const Slice& slice, PrecisionMode mode,
                Recompute recompute = Recompute::none, std::int64_t layers = 0) {
  constexpr std::int64_t kBatch = 3;
  ModelStage stage({.model = model,
                    .slice = slice,
                    .precision = mode,
                    .microbatch_size = kBatch,
                    .recompute = recompute,
                    .recompute_layers = layers});
  initialize(stage.parameters(), model, 1);
  stage.begin_step(1, 1);
  std::int64_t before = 0;
  const auto meter = std::make_shared<Meter>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, meter);
  // The first micro-batch also makes what all share.
  for (int microbatch = 0; microbatch < 2; ++microbatch) {
    const small::Batch given = small::batch(model, microbatch, kBatch);
    stage.set_microbatch(microbatch, slice.has_embedding ? given.tokens : at::Tensor(),
                         slice.has_head ? given.targets : at::Tensor());
    before = meter->bytes();
    at::Tensor input = stage.make_input(microbatch);
    if (input.defined()) input.fill_(0.5);
    stage.forward(microbatch, input);
  }
  return static_cast<double>(meter->bytes() - before) /
         static_cast<double>(kBatch * model.sequence_length);
}

/// Bytes that the input half of a backward leaves for the weight half, per token.
double measured_split(const config::ModelConfig& model, const Slice& slice, PrecisionMode mode) {
  constexpr std::int64_t kBatch = 3;
  ModelStage stage({.model = model, .slice = slice, .precision = mode, .microbatch_size = kBatch});
  initialize(stage.parameters(), model, 1);
  stage.begin_step(1, 2);
  std::int64_t before = 0;
  const auto meter = std::make_shared<Meter>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, meter);
  at::Tensor edge = stage.make_input(0);
  if (!edge.defined()) {
    edge = at::empty({kBatch, model.sequence_length, model.hidden},
                     at::TensorOptions().dtype(activation_type(mode)));
  }
  edge.fill_(0.5);
  for (int microbatch = 0; microbatch < 2; ++microbatch) {
    const small::Batch given = small::batch(model, microbatch, kBatch);
    stage.set_microbatch(microbatch, slice.has_embedding ? given.tokens : at::Tensor(),
                         slice.has_head ? given.targets : at::Tensor());
    before = meter->bytes();
    stage.forward(microbatch, slice.has_embedding ? at::Tensor() : edge.clone());
    stage.backward_input(microbatch, slice.has_head ? at::Tensor() : edge.clone());
    if (microbatch == 0) stage.backward_weight(0);
  }
  return static_cast<double>(meter->bytes() - before) /
         static_cast<double>(kBatch * model.sequence_length);
}

config::ModelConfig model_of(const std::string& family) {
  return resolve({.family = family,
                  .layers = 5,
                  .hidden = 96,
                  .heads = 4,
                  .kv_heads = family == "llama" ? 2 : 0,
                  .sequence_length = 64,
                  .vocabulary = 300,
                  .tied_embeddings = false},
                 1);
}

TEST(ActivationBytes, AreWhatAForwardLeavesBehind) {
  for (const char* family : {"gpt2", "llama"}) {
    const config::ModelConfig model = model_of(family);
    for (const Slice& slice : {Slice{false, 1, 2, false}, Slice{false, 4, 1, true},
                               Slice{true, 0, 3, false}, whole_model(model)}) {
      for (const auto& [mode, element_bytes] :
           {std::pair{PrecisionMode::fp32, 4.0}, std::pair{PrecisionMode::bf16_qat, 2.0}}) {
        const double expected = activation_bytes_per_token(model, slice, element_bytes);
        const double actual = measured(model, slice, mode);
        EXPECT_NEAR(expected / actual, 1, 0.1)
            << family << ", layers from " << slice.first_layer << ", " << element_bytes
            << " bytes a number: " << expected << " expected, " << actual << " measured";
      }
    }
  }
}

TEST(ActivationBytes, TheInputHalfOfABackwardLeavesWhatItSays) {
  for (const char* family : {"gpt2", "llama"}) {
    const config::ModelConfig model = model_of(family);
    for (const Slice& slice : {Slice{false, 1, 2, false}, Slice{false, 4, 1, true},
                               Slice{true, 0, 3, false}, whole_model(model)}) {
      for (const auto& [mode, element_bytes] :
           {std::pair{PrecisionMode::fp32, 4.0}, std::pair{PrecisionMode::bf16_qat, 2.0}}) {
        const double expected = split_bytes_per_token(model, slice, element_bytes);
        const double actual = measured_split(model, slice, mode);
        EXPECT_NEAR(expected / actual, 1, 0.1)
            << family << ", layers from " << slice.first_layer << ", " << element_bytes
            << " bytes a number: " << expected << " expected, " << actual << " measured";
      }
    }
  }
}

TEST(ActivationBytes, RecomputeLeavesWhatItSays) {
  for (const char* family : {"gpt2", "llama"}) {
    const config::ModelConfig model = model_of(family);
    for (const Slice& slice : {Slice{false, 1, 3, false}, Slice{true, 0, 4, true}}) {
      for (const Recompute recompute : {Recompute::selective, Recompute::full}) {
        for (const std::int64_t layers : {0, 2}) {
          const double expected = kept_bytes_per_token(model, slice, 4, recompute, layers);
          const double actual = measured(model, slice, PrecisionMode::fp32, recompute, layers);
          EXPECT_NEAR(expected / actual, 1, 0.1)
              << family << ", layers from " << slice.first_layer << ", " << layers
              << " recomputed: " << expected << " expected, " << actual << " measured";
        }
      }
    }
  }
}

}  // namespace
}  // namespace spillway::trainer
