#include "trainer/checkpoint/agreement.hpp"

#include "tests/trainer/checkpoint/scratch.hpp"

namespace spillway::trainer {
namespace {

TEST(Agreement, EveryRankHearsEveryRank) {
  const auto thrown = on_ranks(3, [](comm::Communicator& group) {
    const std::string mine(static_cast<std::size_t>(group.rank()) * 1000, 'a');
    const auto all = gather_text(group, mine);
    ASSERT_EQ(all.size(), 3u);
    for (std::size_t rank = 0; rank < 3; ++rank) EXPECT_EQ(all[rank].size(), rank * 1000);
    EXPECT_EQ(gather_text(group, ""), std::vector<std::string>(3));
    EXPECT_EQ(broadcast_text(group, "rank " + std::to_string(group.rank()), 1), "rank 1");
    EXPECT_EQ(broadcast_text(group, ""), "");
  });
  EXPECT_EQ(thrown, std::vector<std::string>(3));
}

TEST(Agreement, OneComplaintFailsAllRanksWithTheSameWords) {
  const auto thrown = on_ranks(3, [](comm::Communicator& group) {
    agree(group, "saving", "");
    agree(group, "saving", group.rank() == 2 ? "disk full" : "");
  });
  EXPECT_EQ(thrown, std::vector<std::string>(3, "saving: rank 2: disk full"));
}

TEST(Agreement, ManyComplaintsAreCounted) {
  const auto thrown = on_ranks(5, [](comm::Communicator& group) { agree(group, "saving", "no"); });
  EXPECT_EQ(thrown[4], "saving: rank 0: no; rank 1: no; rank 2: no; and 2 more ranks");
}

}  // namespace
}  // namespace spillway::trainer
