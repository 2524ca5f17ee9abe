#include "trainer/observe/trace.hpp"

#include <nlohmann/json.hpp>

#include "tests/trainer/checkpoint/scratch.hpp"

namespace spillway::trainer {
namespace {

const std::vector<Span> kSpans{
    {.rank = 0,
     .name = "0F0",
     .start_s = 0,
     .end_s = 0.002,
     .kind = "forward",
     .track = Track::predicted},
    {.rank = 1,
     .name = "1F0",
     .start_s = 0.0025,
     .end_s = 0.004,
     .kind = "forward",
     .track = Track::measured},
};

TEST(Trace, ProcessIsTheRankAndThreadTheTrack) {
  const auto run = scratch_folder();
  EXPECT_EQ(write_trace(run, 40, kSpans), run / "traces" / "step-40.json");
  const auto trace = nlohmann::json::parse(read_text(run / "traces" / "step-40.json"));
  std::vector<std::string> threads;
  nlohmann::json last;
  for (const auto& event : trace.at("traceEvents")) {
    if (event.at("name") == "thread_name") threads.push_back(event.at("args").at("name"));
    if (event.at("ph") == "X") last = event;
  }
  EXPECT_EQ(threads, (std::vector<std::string>{"predicted", "measured"}));
  EXPECT_EQ(last.at("pid"), 1);
  EXPECT_EQ(last.at("tid"), 1);
  EXPECT_EQ(last.at("cat"), "forward");
  EXPECT_DOUBLE_EQ(last.at("ts"), 2500);
  EXPECT_NEAR(last.at("dur").get<double>(), 1500, 1e-9);
}

TEST(Trace, RankZeroGathersEveryRanksSpans) {
  std::vector<Span> gathered;
  const auto thrown = on_ranks(3, [&](comm::Communicator& world) {
    std::vector<Span> mine(static_cast<std::size_t>(world.rank()), kSpans[1]);
    for (Span& span : mine) span.rank = world.rank();
    auto all = gather_spans(world, mine);
    if (world.rank() == 0)
      gathered = std::move(all);
    else
      EXPECT_TRUE(all.empty());
  });
  EXPECT_EQ(thrown, std::vector<std::string>(3));
  ASSERT_EQ(gathered.size(), 3u);
  EXPECT_EQ(gathered[0].rank, 1);
  EXPECT_EQ(gathered[2].rank, 2);
  EXPECT_EQ(gathered[2].end_s, 0.004);
  EXPECT_EQ(gathered[2].track, Track::measured);
}

}  // namespace
}  // namespace spillway::trainer
