#include "parallel/comm/traffic.hpp"

#include <gtest/gtest.h>

namespace spillway::comm {
namespace {

TEST(Traffic, WireBytesFollowTheRingOfEachOperation) {
  Traffic traffic;
  for (const Operation operation :
       {Operation::all_reduce, Operation::all_gather, Operation::reduce_scatter,
        Operation::all_to_all, Operation::broadcast, Operation::send, Operation::recv,
        Operation::barrier}) {
    traffic.count(operation, 1200, 4);
  }
  const TrafficSnapshot snapshot = traffic.snapshot();
  EXPECT_DOUBLE_EQ(snapshot[Operation::all_reduce].wire_bytes, 1800);
  EXPECT_DOUBLE_EQ(snapshot[Operation::all_gather].wire_bytes, 900);
  EXPECT_DOUBLE_EQ(snapshot[Operation::reduce_scatter].wire_bytes, 900);
  EXPECT_DOUBLE_EQ(snapshot[Operation::all_to_all].wire_bytes, 900);
  EXPECT_DOUBLE_EQ(snapshot[Operation::broadcast].wire_bytes, 1200);
  EXPECT_DOUBLE_EQ(snapshot[Operation::send].wire_bytes, 1200);
  EXPECT_DOUBLE_EQ(snapshot[Operation::recv].wire_bytes, 0);
  EXPECT_EQ(snapshot[Operation::recv].payload_bytes, 1200);
}

TEST(Traffic, AGroupOfOneSendsNothing) {
  Traffic traffic;
  traffic.count(Operation::all_reduce, 1200, 1);
  traffic.count(Operation::broadcast, 1200, 1);
  EXPECT_DOUBLE_EQ(traffic.snapshot().total().wire_bytes, 0);
  EXPECT_EQ(traffic.snapshot().total().payload_bytes, 2400);
}

TEST(Traffic, SecondsAddUpPerOperation) {
  Traffic traffic;
  traffic.add_seconds(Operation::send, 0.5);
  traffic.add_seconds(Operation::send, 0.25);
  EXPECT_DOUBLE_EQ(traffic.snapshot()[Operation::send].seconds, 0.75);
  EXPECT_DOUBLE_EQ(traffic.snapshot()[Operation::recv].seconds, 0);
}

}  // namespace
}  // namespace spillway::comm
