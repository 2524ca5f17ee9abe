#include <gtest/gtest.h>

#include "parallel/comm/make_communicator.hpp"
#include "parallel/pipeline/execute.hpp"
#include "parallel/pipeline/schedules/registry.hpp"
#include "tests/parallel/pipeline/edge_sizes_check.hpp"
#include "tests/parallel/pipeline/execute_check.hpp"

namespace spillway::pipeline {
namespace {

/// Runs `check` for every number of stages that divides the world.
template <typename Check>
void for_every_split(const Check& check) {
  const auto world = comm::make_world("mpi");
  for (int ranks = 1; ranks <= std::min(world->size(), 4); ++ranks) {
    if (world->size() % ranks != 0) continue;
    SCOPED_TRACE(std::to_string(ranks) + " stages");
    check(*world, ranks);
  }
}

class ExecuteOverMpi : public testing::TestWithParam<std::tuple<std::string, int>> {};

TEST_P(ExecuteOverMpi, LossesAndGradientsAreThoseOfOneProcess) {
  const auto& [name, microbatches] = GetParam();
  for_every_split([&](comm::Communicator& world, int ranks) {
    expect_same_bits(world, make_schedule(name, {.ranks = ranks, .microbatches = microbatches}));
  });
}

INSTANTIATE_TEST_SUITE_P(Schedules, ExecuteOverMpi,
                         testing::Combine(testing::Values("gpipe", "1f1b"),
                                          testing::Values(1, 2, 3, 5, 8)));

TEST(ExecuteOverMpi, MessagesBeyondTheEagerLimitDoNotHang) {
  // 30,000 rows of up to 13 numbers: 1.5 MB an edge, far beyond what MPI sends eagerly.
  for_every_split([](comm::Communicator& world, int ranks) {
    expect_same_bits(world, make_schedule("1f1b", {.ranks = ranks, .microbatches = 3}), 10'000);
  });
}

TEST(ExecuteOverMpi, MessagesFromOneKilobyteTo128MebibytesArriveWhole) {
  for_every_split([](comm::Communicator& world, int ranks) {
    if (ranks == 1) return;
    for (const std::int64_t bytes : {1024, 4097, 65536, 1 << 20, (16 << 20) + 3}) {
      for (const char* name : {"1f1b", "zb-h1", "zbv", "interleaved-1f1b"}) {
        SCOPED_TRACE(name);
        const int chunks = chunks_of(name, std::string(name) == "interleaved-1f1b" ? 2 : 1);
        expect_whole_messages(
            world, make_schedule(name, {.ranks = ranks, .chunks = chunks, .microbatches = 3}),
            bytes);
      }
    }
    if (ranks > 2 || world.size() > 2) return;  // memory
    expect_whole_messages(world, make_schedule("zb-h1", {.ranks = 2, .microbatches = 2}),
                          128 << 20);
  });
}

TEST(ExecuteOverMpi, EvaluationBetweenStepsLeavesNoTrace) {
  for_every_split([](comm::Communicator& world, int ranks) {
    expect_evaluation_leaves_no_trace(world,
                                      make_schedule("1f1b", {.ranks = ranks, .microbatches = 5}));
  });
}

TEST(ExecuteOverMpi, ChunksOnALoopAndOnAVGiveTheSameBits) {
  for_every_split([](comm::Communicator& world, int ranks) {
    if (ranks == 2) {
      expect_same_bits(world, loop_of_chunks(2, 5));
      expect_same_bits(world, v_of_chunks(3));
    }
  });
}

TEST(ExecuteOverMpi, SplitBackwardsGiveTheBitsOfOneProcess) {
  for_every_split([](comm::Communicator& world, int ranks) {
    const Schedule whole = make_schedule("1f1b", {.ranks = ranks, .microbatches = 5});
    for (const std::size_t delay : {0U, 2U}) expect_same_bits(world, split_backward(whole, delay));
    expect_same_bits(world, split_backward(whole, 5, true));
    if (ranks == 2) expect_same_bits(world, split_v_by_hand());
    if (ranks == 4) expect_same_bits(world, zero_bubble_by_hand());
  });
}

}  // namespace
}  // namespace spillway::pipeline
