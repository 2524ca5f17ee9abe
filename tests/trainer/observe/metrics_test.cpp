#include "trainer/observe/metrics.hpp"

#include "tests/trainer/checkpoint/scratch.hpp"

namespace spillway::trainer {
namespace {

TEST(Metrics, ALineHoldsStepTimeAndEveryNumberInOrder) {
  const auto run = scratch_folder();
  StepMetrics metrics(7);
  metrics.set(metric::kLoss, 2.5);
  metrics.set(metric::kTokensPerSecond, 1e6);
  metrics.set("data/mix/grammar", 0.25);
  MetricsFile(run).write(metrics, 1700000000.5);
  EXPECT_EQ(read_text(run / "metrics.jsonl"),
            "{\"step\":7,\"time\":1700000000.5,\"loss_metrics/global_avg_loss\":2.5,"
            "\"throughput/total(tps)\":1000000.0,\"data/mix/grammar\":0.25}\n");
}

TEST(Metrics, FindGivesWhatWasSet) {
  StepMetrics metrics(1);
  metrics.set("a", 1.5);
  EXPECT_EQ(metrics.find("a"), 1.5);
  EXPECT_FALSE(metrics.find("b"));
}

}  // namespace
}  // namespace spillway::trainer
