#include "trainer/observe/recorder.hpp"

#include <sstream>

#include "tests/trainer/checkpoint/scratch.hpp"

namespace spillway::trainer {
namespace {

StepMetrics step(std::int64_t number) {
  StepMetrics metrics(number);
  metrics.set(metric::kLoss, 1.5);
  return metrics;
}

std::size_t lines_in(const std::filesystem::path& path) {
  const std::string text = read_text(path);
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

TEST(Recorder, WritesEverySinkAndShowsEveryTenthStepAndTheLast) {
  const auto run = scratch_folder();
  std::ostringstream out;
  {
    Recorder recorder({.run_dir = run, .total_steps = 25, .log_every = 10}, out);
    for (std::int64_t number = 1; number <= 25; ++number) recorder.step(step(number));
    recorder.event(
        {.name = "checkpoint_failed", .step = 25, .message = "disk full", .level = Level::warning});
    recorder.event({.name = "finish", .step = 25, .message = "done"});
    recorder.trace(25, {});
    EXPECT_EQ(recorder.lost_writes(), 0);
  }
  EXPECT_EQ(
      out.str(),
      "step 10  loss 1.5000\nstep 20  loss 1.5000\nstep 25  loss 1.5000\nwarning: disk full\n");
  EXPECT_EQ(lines_in(run / "metrics.jsonl"), 25u);
  EXPECT_EQ(lines_in(run / "events.jsonl"), 2u);
  EXPECT_TRUE(std::filesystem::exists(run / "traces" / "step-25.json"));
}

TEST(Recorder, AFullDiskIsNamedOnceAndTheRunGoesOn) {
  const auto run = scratch_folder();
  const SmallDisk disk(run, "256k");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small tmpfs is not allowed here";
  std::ostringstream out;
  Recorder recorder({.run_dir = run, .total_steps = 9000, .log_every = 100000}, out);
  std::int64_t number = 0;
  while (recorder.lost_writes() < 5) recorder.step(step(++number));
  const std::string said = out.str();
  EXPECT_NE(said.find("warning: not recorded: "), std::string::npos);
  EXPECT_NE(said.find("No space left on device"), std::string::npos);
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 1);

  // Room again: the torn line is closed off and the next ones are whole.
  for (const auto& entry : std::filesystem::directory_iterator(run / "tb")) {
    std::filesystem::resize_file(entry.path(), 0);
  }
  recorder.step(step(8999));
  EXPECT_EQ(recorder.lost_writes(), 5);
  const std::string text = read_text(run / "metrics.jsonl");
  EXPECT_TRUE(nlohmann::json::accept(text.substr(text.rfind('{'))));

  // Full once more: said once more.
  while (recorder.lost_writes() < 8) recorder.step(step(++number));
  const std::string again = out.str();
  EXPECT_EQ(std::count(again.begin(), again.end(), '\n'), 2);
}

TEST(Recorder, AFolderThatCannotBeMadeIsAnError) {
  const auto run = scratch_folder() / "file";
  write_file_durably(run, "x");
  std::ostringstream out;
  EXPECT_NE(complaint([&] { Recorder({.run_dir = run / "run"}, out); }).find("make folder"),
            std::string::npos);
}

}  // namespace
}  // namespace spillway::trainer
