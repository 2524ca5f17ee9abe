// Which batch carries what, and whole exchanges of PowerSGD in the kernels for batches.
#include "compression/low_rank/batches.hpp"

#include <gtest/gtest.h>

#include "tests/compression/low_rank/host_launcher.hpp"
#include "tests/compression/low_rank/matrices.hpp"
#include "tests/compression/replicas.hpp"

namespace spillway::compression {
namespace {

/// For as long as it lives, the kernels run on the host for tensors of the CPU.
class KernelsOnTheHost {
 public:
  explicit KernelsOnTheHost(std::int64_t largest_rank = batched::kMaxRank) {
    set_batch_kernels(at::kCPU, {.largest_rank = largest_rank, .make = make_host_batch});
  }
  ~KernelsOnTheHost() { set_batch_kernels(at::kCPU, {}); }
  KernelsOnTheHost(const KernelsOnTheHost&) = delete;
  KernelsOnTheHost& operator=(const KernelsOnTheHost&) = delete;
};

TEST(Batches, KernelsTakeWhatFitsThem) {
  const auto is_loop = [](const std::vector<MatrixCase>& cases) {
    Batches batches;
    auto matrices = random_matrices(cases, 1);
    return dynamic_cast<LoopBatch*>(&batches.start(matrices)) != nullptr;
  };
  EXPECT_TRUE(is_loop({{8, 8, 2}}));
  const KernelsOnTheHost kernels(4);
  EXPECT_FALSE(is_loop({{8, 8, 2}, {9, 9, 4}}));
  EXPECT_TRUE(is_loop({{8, 8, 2}, {9, 9, 5}}));
  EXPECT_TRUE(is_loop({}));
}

struct StepResult {
  std::vector<Gradients> held;
  double error_norm = 0;
};

/// Five steps of two replicas, the third with an infinity on one of them.
std::vector<StepResult> five_steps(const config::CompressionConfig& config) {
  Replicas replicas(2, config, mixed_shapes());
  std::vector<StepResult> steps;
  for (int step = 0; step < 5; ++step) {
    auto given = random_gradients_of(2, step);
    if (step == 2) given[1][2].view(-1)[5] = std::numeric_limits<float>::infinity();
    steps.push_back({replicas.step(step, given)});
    steps.back().error_norm = error_norm(replicas[0]);
  }
  return steps;
}

TEST(Batches, ExchangesInKernelsAgreeWithThoseOfTheLoop) {
  for (const std::string method : {"powersgd", "bucket", "acp"}) {
    for (const std::string feedback : {"local", "global", "off"}) {
      for (const int iterations : {1, 2}) {
        config::CompressionConfig config = early_and_small(method == "acp" ? "acp" : "powersgd");
        if (method == "bucket") config.matrix = "bucket";
        config.error_feedback = feedback;
        config.power_iterations = iterations;
        const std::vector<StepResult> loop = five_steps(config);
        const KernelsOnTheHost kernels;
        const std::vector<StepResult> batched = five_steps(config);
        for (std::size_t step = 0; step < loop.size(); ++step) {
          const std::string where =
              method + ", " + feedback + ", step " + std::to_string(step) + ", parameter ";
          for (std::size_t i = 0; i < loop[step].held[0].size(); ++i) {
            const at::Tensor mine = batched[step].held[0][i], other = loop[step].held[0][i];
            EXPECT_TRUE(at::equal(mine.isnan(), other.isnan())) << where << i;
            EXPECT_LT(relative(mine.nan_to_num(), other.nan_to_num()), 2e-5) << where << i;
            EXPECT_TRUE(at::equal(mine.nan_to_num(), batched[step].held[1][i].nan_to_num()));
          }
          EXPECT_NEAR(batched[step].error_norm, loop[step].error_norm, 1e-5 * loop[step].error_norm)
              << where;
        }
      }
    }
  }
}

}  // namespace
}  // namespace spillway::compression
