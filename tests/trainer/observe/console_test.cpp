#include "trainer/observe/console.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace spillway::trainer {
namespace {

StepMetrics full_step() {
  StepMetrics metrics(12);
  metrics.set(metric::kLoss, 4.32104);
  metrics.set(metric::kTokensPerSecond, 12345);
  metrics.set(metric::kMfu, 31.24);
  metrics.set(metric::kGradNorm, 1.2345);
  metrics.set(metric::kBubble, 12.5);
  metrics.set(metric::kCompressionRatio, 8.31);
  metrics.set(metric::kDataSeconds, 0.00031);
  return metrics;
}

TEST(StepLine, SaysEverythingThatWasMeasuredInOneLine) {
  EXPECT_EQ(step_line(full_step()),
            "step 12  loss 4.3210  tokens/s 12.3k  mfu 31.2 %  grad norm 1.23  bubble 12.5 %  "
            "compression 8.3x  data wait 0.3 ms");
}

TEST(StepLine, LeavesOutWhatWasNotAndMarksSkippedSteps) {
  StepMetrics metrics(3);
  metrics.set(metric::kSkipped, 1);
  EXPECT_EQ(step_line(metrics), "step 3  SKIPPED");
}

TEST(Duration, IsReadable) {
  EXPECT_EQ(duration_text(3.4), "0:00:03");
  EXPECT_EQ(duration_text(2 * 3600 + 5 * 60 + 59), "2:05:59");
  EXPECT_EQ(duration_text(2 * 86400 + 3600), "2 d 01:00:00");
  EXPECT_EQ(duration_text(-1), "0:00:00");
}

TEST(Console, TimeLeftFollowsTheRecentPace) {
  std::ostringstream out;
  Console console(out, /*terminal=*/false);
  Console::Clock::time_point now{};
  EXPECT_FALSE(console.seconds_left());
  console.progress(0, 1000, now);
  EXPECT_FALSE(console.seconds_left());
  console.progress(1, 1000, now += std::chrono::hours(1));  // a slow start
  for (int done = 2; done <= 100; ++done) {
    console.progress(done, 1000, now += std::chrono::seconds(2));
  }
  EXPECT_DOUBLE_EQ(*console.seconds_left(), 1800);
}

TEST(Console, PlainOutputHasOnlyWholeLines) {
  std::ostringstream out;
  Console console(out, /*terminal=*/false);
  console.progress(1, 10);
  console.line("a");
  console.progress(2, 10);
  console.line("b");
  console.finish();
  EXPECT_EQ(out.str(), "a\nb\n");
}

TEST(Console, ATerminalKeepsOneProgressLineBelowTheOthers) {
  std::ostringstream out;
  Console::Clock::time_point now{};
  {
    Console console(out, /*terminal=*/true);
    console.progress(1, 4, now);
    console.progress(2, 4, now + std::chrono::seconds(30));
    console.line("a step");
  }
  const std::string half = "[###############...............] 2/4  50 %  left 0:01:00";
  EXPECT_EQ(out.str(), "[########......................] 1/4  25 %\r\033[K" + half +
                           "\r\033[Ka step\n" + half + "\r\033[K");
}

}  // namespace
}  // namespace spillway::trainer
