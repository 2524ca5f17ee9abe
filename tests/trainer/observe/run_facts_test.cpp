#include "trainer/observe/run_facts.hpp"

#include "tests/trainer/checkpoint/scratch.hpp"

namespace spillway::trainer {
namespace {

std::vector<PastStarts> start(const std::filesystem::path& run, const StartFacts& facts) {
  std::vector<PastStarts> past(3);
  on_ranks(3, [&](comm::Communicator& world) {
    past[static_cast<std::size_t>(world.rank())] = record_start(run, world, facts);
  });
  return past;
}

TEST(RunFacts, EveryStartIsAddedAndAllRanksKnowThePast) {
  const auto run = scratch_folder();
  StartFacts facts{.command_line = {"spillway", "train", "a b.toml"},
                   .config_toml = "[run]\nsteps = 5\n",
                   .first_step = 0,
                   .more = {{"stages", 3}}};
  EXPECT_EQ(start(run, facts)[2].count, 0);
  facts.first_step = 100;
  const auto second = start(run, facts);
  EXPECT_EQ(second[2].count, 1);
  EXPECT_FALSE(second[2].config_changed);
  facts.config_toml += "seed = 2\n";
  EXPECT_TRUE(start(run, facts)[1].config_changed);

  const auto json = nlohmann::json::parse(read_text(run / "run.json"));
  ASSERT_EQ(json.at("starts").size(), 3u);
  const auto& first = json.at("starts")[0];
  EXPECT_EQ(first.at("command")[2], "a b.toml");
  EXPECT_EQ(first.at("stages"), 3);
  EXPECT_EQ(first.at("world"), 3);
  EXPECT_EQ(first.at("config_fingerprint"), config_fingerprint("[run]\nsteps = 5\n"));
  EXPECT_TRUE(first.at("versions").at("torch").get<std::string>().starts_with("2."));
  ASSERT_EQ(first.at("hosts").size(), 1u);
  EXPECT_EQ(first.at("hosts")[0].at("ranks"), (std::vector<int>{0, 1, 2}));
  EXPECT_EQ(json.at("starts")[1].at("first_step"), 100);
}

TEST(RunFacts, ADamagedFileIsPutAsideNotOverwritten) {
  const auto run = scratch_folder();
  write_file_durably(run / "run.json", "{\"starts\": [");
  EXPECT_EQ(start(run, {})[0].count, 0);
  EXPECT_EQ(read_text(run / "run.json.damaged"), "{\"starts\": [");
  EXPECT_EQ(nlohmann::json::parse(read_text(run / "run.json")).at("starts").size(), 1u);
}

}  // namespace
}  // namespace spillway::trainer
