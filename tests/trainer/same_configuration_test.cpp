#include "trainer/same_configuration.hpp"

#include <gtest/gtest.h>

#include "configs/error.hpp"
#include "parallel/comm/thread_communicator.hpp"

#include <thread>

namespace spillway::trainer {
namespace {

TEST(SameConfiguration, TheFirstSettingThatDiffersIsNamedWithBothValues) {
  const std::string one = "a.method = \"none\"\na.rules = []\nb.seed = 1\n";
  EXPECT_FALSE(first_difference(one, one));
  const auto found =
      first_difference(one, "a.method = \"none\"\na.rules = [{match = 'x = y'}]\nb.seed = 7\n");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->name, "a.rules");
  EXPECT_EQ(found->first, "[]");
  EXPECT_EQ(found->second, "[{match = 'x = y'}]");
  const auto renamed = first_difference(one, "a.method = \"none\"\nanother = 1\nb.seed = 1\n");
  ASSERT_TRUE(renamed);
  EXPECT_EQ(renamed->name, "a.rules");
  EXPECT_EQ(renamed->second, "nothing");
  const auto longer = first_difference(one, one + "b.more = 2\n");
  ASSERT_TRUE(longer);
  EXPECT_EQ(longer->name, "b.more");
  EXPECT_EQ(longer->first, "nothing");
  EXPECT_EQ(longer->second, "2");
}

TEST(SameConfiguration, AllRanksComplainAlikeAboutTheFirstRankThatDiffers) {
  auto group = comm::make_thread_group(4);
  std::vector<std::string> said(group.size());
  std::vector<std::thread> ranks;
  for (std::size_t rank = 0; rank < group.size(); ++rank) {
    ranks.emplace_back([&, rank, mine = std::move(group[rank])] {
      config::Config config;
      if (rank == 3) config.compression.rules = {{"x", {{"method", "'none'"}}}};
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
