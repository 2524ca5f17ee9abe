#include "parallel/comm/link_model.hpp"

#include <gtest/gtest.h>

namespace spillway::comm {
namespace {

TEST(LinkModel, CollectivesTakeWhatTheirRingsTake) {
  const LinkModel link{.ranks = 4, .hosts = 4, .latency_seconds = 1e-3, .bytes_per_second = 1e6};
  EXPECT_DOUBLE_EQ(link.seconds(Operation::all_reduce, 1e6), 6e-3 + 1.5);
  EXPECT_DOUBLE_EQ(link.seconds(Operation::all_gather, 1e6), 3e-3 + 0.75);
  EXPECT_DOUBLE_EQ(link.seconds(Operation::reduce_scatter, 1e6), 3e-3 + 0.75);
  EXPECT_DOUBLE_EQ(link.seconds(Operation::all_to_all, 1e6), 3e-3 + 0.75);
  EXPECT_DOUBLE_EQ(link.seconds(Operation::send, 1e6), 1e-3 + 1);
  EXPECT_DOUBLE_EQ(link.seconds(Operation::barrier, 0), 1e-3);
}

TEST(LinkModel, AnAllToAllSharesTheLinkOfItsHostAndARingDoesNot) {
  const LinkModel link{.ranks = 8, .hosts = 2, .latency_seconds = 0, .bytes_per_second = 1e6};
  EXPECT_DOUBLE_EQ(link.seconds(Operation::all_reduce, 8e6), 14);
  EXPECT_DOUBLE_EQ(link.seconds(Operation::all_to_all, 8e6), 16);  // 4 ranks x half of 8 MB
}

TEST(LinkModel, ATokenBucketPassesItsBurstAtNoCostOnce) {
  const LinkModel link{
      .ranks = 2, .hosts = 2, .latency_seconds = 1e-3, .bytes_per_second = 1e6, .burst_bytes = 5e5};
  EXPECT_DOUBLE_EQ(link.seconds(Operation::all_reduce, 4e5), 2e-3);
  EXPECT_DOUBLE_EQ(link.seconds(Operation::all_reduce, 1e6), 2e-3 + 0.5);
  Traffic two;
  two.count(Operation::all_reduce, 500'000, 2);
  two.count(Operation::all_reduce, 500'000, 2);
  EXPECT_DOUBLE_EQ(link.seconds(two.snapshot()), 4e-3 + 0.5);
}

TEST(LinkModel, ARankAloneWaitsForNothing) {
  const LinkModel link{.ranks = 1, .hosts = 1, .latency_seconds = 1, .bytes_per_second = 1};
  EXPECT_DOUBLE_EQ(link.seconds(Operation::all_reduce, 1e6), 0);
}

TEST(LinkModel, AFitGivesBackTheLinkThatTheSamplesComeFrom) {
  const LinkModel link{.ranks = 3,
                       .hosts = 3,
                       .latency_seconds = 2e-4,
                       .bytes_per_second = 5e6,
                       .burst_bytes = 1.25e5};
  const auto sample = [&](double bytes) {
    return LinkSample{bytes, link.seconds(Operation::all_reduce, bytes)};
  };
  const LinkModel fitted = fit_link(3, 3, sample(4), sample(1e6), sample(4e6));
  EXPECT_NEAR(fitted.latency_seconds, link.latency_seconds, 1e-12);
  EXPECT_NEAR(fitted.bytes_per_second, link.bytes_per_second, 1e-3);
  EXPECT_NEAR(fitted.burst_bytes, link.burst_bytes, 1);
  const LinkModel disturbed = fit_link(2, 2, {4, 1e-4}, {1e6, 1.5}, {4e6, 1});
  EXPECT_DOUBLE_EQ(disturbed.bytes_per_second, 4e6);
  EXPECT_EQ(disturbed.burst_bytes, 0);
}

TEST(LinkModel, EthernetAndTcpTakeTheirPartOfTheBits) {
  EXPECT_NEAR(tcp_payload_rate(1e9), 119.55e6, 1e4);
}

}  // namespace
}  // namespace spillway::comm
