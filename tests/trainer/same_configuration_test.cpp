#include "trainer/same_configuration.hpp"

#include <gtest/gtest.h>

#include "configs/error.hpp"
#include "configs/load.hpp"
#include "parallel/comm/thread_communicator.hpp"

#include <thread>

namespace spillway::trainer {
namespace {

TEST(SameConfiguration, TheFirstSettingThatDiffersIsNamedWithBothValues) {
  config::Config one, other;
  EXPECT_FALSE(first_difference(config::to_toml(one), config::to_toml(other)));
  other.run.seed = 7;
  other.compression.method = "bf16";
  const auto found = first_difference(config::to_toml(one), config::to_toml(other));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "compression.method");
  EXPECT_EQ(found->first, "\"none\"");
  EXPECT_EQ(found->second, "\"bf16\"");
}

TEST(SameConfiguration, ATableMoreIsADifference) {
  const std::string shorter = "[compression]\nmethod = \"none\"\n\n[run]\nseed = 1\n";
  const std::string longer =
      "[compression]\nmethod = \"none\"\n\n[[compression.rules]]\nmatch = \"a\"\n\n[run]\nseed = "
      "1\n";
  const auto found = first_difference(shorter, longer);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "compression.rules[0].match");
  EXPECT_EQ(found->first, "nothing");
  EXPECT_EQ(found->second, "\"a\"");
  const auto back = first_difference(longer, shorter);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->name, "compression.rules[0].match");
  EXPECT_EQ(back->second, "nothing");
}

TEST(SameConfiguration, AllRanksComplainAlikeAboutTheFirstRankThatDiffers) {
  auto group = comm::make_thread_group(4);
  std::vector<std::string> said(group.size());
  std::vector<std::thread> ranks;
  for (std::size_t rank = 0; rank < group.size(); ++rank) {
    ranks.emplace_back([&, rank, mine = std::move(group[rank])] {
      config::Config config;
      if (rank >= 2) config.optimizer.learning_rate = 0.5 + static_cast<double>(rank);
      try {
        check_same_configuration(config, *mine);
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::input);
        EXPECT_EQ(error.thrown_by(), ThrownBy::all_ranks);
        said[rank] = error.what();
      }
    });
  }
  for (std::thread& rank : ranks) rank.join();
  for (const std::string& one : said) {
    EXPECT_EQ(one,
              "rank 2 has optimizer.learning_rate = 2.5, rank 0 0.001; give every rank the "
              "same configuration");
  }
}

}  // namespace
}  // namespace spillway::trainer
