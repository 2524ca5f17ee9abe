#include "trainer/observe/events.hpp"

#include "tests/trainer/checkpoint/scratch.hpp"

namespace spillway::trainer {
namespace {

TEST(Events, ALineHoldsTimeStepNameAndFields) {
  const auto run = scratch_folder();
  EventsFile(run).write({.name = "checkpoint_failed",
                         .step = 50,
                         .message = "rank 1: disk full",
                         .level = Level::warning,
                         .fields = {{"seconds", 0.5}}},
                        1738327696.789);
  const auto event = nlohmann::json::parse(read_text(run / "events.jsonl"));
  EXPECT_EQ(event.at("event"), "checkpoint_failed");
  EXPECT_EQ(event.at("utc"), "2025-01-31T12:48:16.789Z");
  EXPECT_EQ(event.at("level"), "warning");
  EXPECT_EQ(event.at("step"), 50);
  EXPECT_EQ(event.at("seconds"), 0.5);
}

TEST(Events, UtcTextKeepsMilliseconds) {
  EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(utc_text(951782400.0625), "2000-02-29T00:00:00.063Z");
}

}  // namespace
}  // namespace spillway::trainer
