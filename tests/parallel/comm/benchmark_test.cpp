#include "parallel/comm/benchmark.hpp"

#include <gtest/gtest.h>

#include "configs/error.hpp"
#include "parallel/comm/overlap.hpp"
#include "tests/parallel/comm/conformance.hpp"

namespace spillway::comm {
namespace {

Measurement gigabyte_in_a_second(Measured measured) {
  Measurement one;
  one.what = {measured, 1'000'000'000, at::kFloat};
  one.seconds = 1;
  return one;
}

TEST(Benchmark, BusBandwidthIsWhatEachLinkOfARingCarries) {
  EXPECT_DOUBLE_EQ(algorithm_bandwidth(gigabyte_in_a_second(Measured::all_reduce)), 1);
  EXPECT_DOUBLE_EQ(bus_bandwidth(gigabyte_in_a_second(Measured::all_reduce), 4), 1.5);
  EXPECT_DOUBLE_EQ(bus_bandwidth(gigabyte_in_a_second(Measured::all_gather), 4), 0.75);
  EXPECT_DOUBLE_EQ(bus_bandwidth(gigabyte_in_a_second(Measured::reduce_scatter), 4), 0.75);
  EXPECT_DOUBLE_EQ(bus_bandwidth(gigabyte_in_a_second(Measured::all_to_all), 4), 0.75);
  EXPECT_DOUBLE_EQ(bus_bandwidth(gigabyte_in_a_second(Measured::broadcast), 4), 1);
  EXPECT_DOUBLE_EQ(bus_bandwidth(gigabyte_in_a_second(Measured::send_recv), 4), 1);
  EXPECT_DOUBLE_EQ(bus_bandwidth(gigabyte_in_a_second(Measured::all_reduce), 1), 0);
}

TEST(Benchmark, OperationsAreFoundByTheirNames) {
  EXPECT_EQ(measured_by_name("reduce_scatter"), Measured::reduce_scatter);
  EXPECT_THROW(measured_by_name("reduce"), Error);
}

TEST(Benchmark, ChecksAndTimesEveryOperation) {
  on_threads(3, [](Communicator& world) {
    for (const char* name : {"all_reduce", "broadcast", "all_gather", "reduce_scatter",
                             "all_to_all", "send_recv", "barrier"}) {
      const BenchmarkCase what{measured_by_name(name), 1000, at::kInt};
      const Measurement one = measure(world, what, {.warmup = 1, .iterations = 3}, nullptr);
      const bool in_parts = what.measured == Measured::all_gather ||
                            what.measured == Measured::reduce_scatter ||
                            what.measured == Measured::all_to_all;
      EXPECT_EQ(one.what.bytes, in_parts ? 996 : 1000) << name;  // a multiple of 3 elements
      EXPECT_EQ(one.wrong, 0) << name;
      EXPECT_GT(one.seconds, 0) << name;
      EXPECT_FALSE(one.raw_seconds);
    }
  });
}

TEST(Overlap, IsTheShareOfTheShorterThatCostsNothing) {
  EXPECT_DOUBLE_EQ((Overlap{.communication = 2, .computation = 4, .both = 4}).hidden(), 1);
  EXPECT_DOUBLE_EQ((Overlap{.communication = 2, .computation = 4, .both = 6}).hidden(), 0);
  EXPECT_DOUBLE_EQ((Overlap{.communication = 2, .computation = 4, .both = 5}).hidden(), 0.5);
}

}  // namespace
}  // namespace spillway::comm
