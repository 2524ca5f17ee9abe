#include "parallel/comm/poll_until.hpp"

#include <gtest/gtest.h>

namespace spillway::comm {
namespace {

using std::chrono::milliseconds;

TEST(PollUntil, AsksUntilItIsReady) {
  int asked = 0;
  EXPECT_TRUE(poll_until([&] { return ++asked == 4; }, milliseconds(10'000)));
  EXPECT_EQ(asked, 4);
}

TEST(PollUntil, GivesUpAfterTheLimit) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(poll_until([] { return false; }, milliseconds(20)));
  EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(20));
}

TEST(PollUntil, AsksAtLeastOnce) {
  EXPECT_TRUE(poll_until([] { return true; }, milliseconds(0)));
}

}  // namespace
}  // namespace spillway::comm
