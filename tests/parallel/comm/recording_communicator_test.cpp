#include "parallel/comm/recording_communicator.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <c10/util/Exception.h>
#include <gtest/gtest.h>

#include "parallel/process_grid.hpp"

namespace spillway::comm {
namespace {

TEST(RecordingCommunicator, NotesOperationBytesPeerAndOrder) {
  RecordingCommunicator world(1, 4);
  const at::Tensor part = at::empty({10}, at::kBFloat16), whole = at::empty({40}, at::kBFloat16);
  world.all_reduce(part).wait();
  world.send(whole, 3).wait();
  world.broadcast(part, 2).wait();
  world.all_gather(whole, part).wait();
  world.reduce_scatter(part, whole).wait();
  world.all_to_all(at::empty({40}, at::kBFloat16), whole).wait();
  world.recv(part, 0).wait();
  world.barrier().wait();
  const std::vector<Record>& records = world.records();
  ASSERT_EQ(records.size(), 8U);
  const std::vector<std::tuple<Operation, std::int64_t, int>> expected{
      {Operation::all_reduce, 20, -1},
      {Operation::send, 80, 3},
      {Operation::broadcast, 20, 2},
      {Operation::all_gather, 80, -1},
      {Operation::reduce_scatter, 80, -1},
      {Operation::all_to_all, 80, -1},
      {Operation::recv, 20, 0},
      {Operation::barrier, 0, -1}};
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(std::tuple(records[i].operation, records[i].bytes, records[i].peer), expected[i])
        << i;
    EXPECT_EQ(records[i].group, "world");
    EXPECT_EQ(records[i].rank, 1);
    EXPECT_EQ(records[i].size, 4);
  }
  EXPECT_EQ(records[0].type, at::kBFloat16);
  EXPECT_EQ(world.traffic()[Operation::send].payload_bytes, 80);
  EXPECT_DOUBLE_EQ(world.traffic()[Operation::all_reduce].wire_bytes, 30);
}

TEST(RecordingCommunicator, LeavesTensorsAsTheyAreAndTakesMetaTensors) {
  RecordingCommunicator world(0, 2);
  const at::Tensor tensor = at::full({3}, 5.0, at::kFloat);
  world.all_reduce(tensor).wait();
  EXPECT_EQ(tensor[2].item<float>(), 5.0F);
  const auto meta = at::TensorOptions().dtype(at::kFloat).device(at::kMeta);
  world.all_gather(at::empty({2, 1 << 30}, meta), at::empty({1 << 30}, meta)).wait();
  EXPECT_EQ(world.records()[1].bytes, std::int64_t{8} << 30);
}

TEST(RecordingCommunicator, ChecksArgumentsLikeABackendWithPeers) {
  RecordingCommunicator world(0, 2);
  const at::Tensor tensor = at::empty({4, 6}, at::kFloat);
  EXPECT_THROW(world.all_reduce(tensor.t()), c10::Error);
  EXPECT_THROW(world.all_reduce(at::Tensor()), c10::Error);
  EXPECT_THROW(world.send(tensor, 0), c10::Error);
  EXPECT_THROW(world.broadcast(tensor, 2), c10::Error);
  EXPECT_THROW(world.reduce_scatter(tensor, tensor), c10::Error);
  EXPECT_THROW(world.all_to_all(tensor, tensor), c10::Error);
  EXPECT_TRUE(world.records().empty());
}

TEST(RecordingCommunicator, ASplitKeepsRankAndSizeWhenNothingIsKnownOfTheOthers) {
  RecordingCommunicator world(2, 5);
  const std::unique_ptr<Communicator> part = world.split(0, 7);
  EXPECT_EQ(part->rank(), 2);
  EXPECT_EQ(part->size(), 5);
  EXPECT_EQ(world.split(-1, 0), nullptr);
}

TEST(RecordingCommunicator, OperationsOfASplitAreNotedInOneOrderUnderItsName) {
  RecordingCommunicator world(0, 2);
  const std::unique_ptr<Communicator> first = world.split(0, 0);
  const std::unique_ptr<Communicator> second = world.split(0, 0);
  second->barrier().wait();
  world.barrier().wait();
  first->barrier().wait();
  ASSERT_EQ(world.records().size(), 3U);
  EXPECT_EQ(world.records()[0].group, "world.1");
  EXPECT_EQ(world.records()[1].group, "world");
  EXPECT_EQ(world.records()[2].group, "world.0");
  EXPECT_EQ(world.traffic().total().calls, 1);
}

/// A dry run of one rank stands in the same groups as the rank among its peers.
TEST(RecordingCommunicator, AProcessGridOfOneRankAloneHasTheGroupsOfTheWholeWorld) {
  const parallel::GridShape shape{.stages = 3, .replicas = 2};
  const std::vector<parallel::GridSplit> splits = parallel::grid_splits(shape);
  RecordingCommunicator world(5, 6, [&splits](int split, int rank) {
    const parallel::GridSplit::Choice choice = splits[static_cast<std::size_t>(split)].choice(rank);
    return RecordingCommunicator::Choice{choice.color, choice.key};
  });
  const parallel::ProcessGrid grid(world, shape);
  EXPECT_EQ(grid.stage(), 2);
  EXPECT_EQ(grid.replica(), 1);
  EXPECT_EQ(grid.pipeline().size(), 3);
  EXPECT_EQ(grid.pipeline().rank(), 2);
  EXPECT_EQ(grid.replica_group().size(), 2);
  EXPECT_EQ(grid.replica_group().rank(), 1);
  ASSERT_NE(grid.tied(), nullptr);
  EXPECT_EQ(grid.tied()->size(), 2);
  EXPECT_EQ(grid.tied()->rank(), 1);
  for (const Communicator* edge :
       {grid.to_next(), grid.to_previous(), grid.from_next(), grid.from_previous()}) {
    ASSERT_NE(edge, nullptr);
    EXPECT_EQ(edge->size(), 2);
  }
}

}  // namespace
}  // namespace spillway::comm
