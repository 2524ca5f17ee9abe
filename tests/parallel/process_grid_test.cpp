#include "parallel/process_grid.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include "configs/error.hpp"
#include "tests/parallel/comm/conformance.hpp"

namespace spillway::parallel {
namespace {

using comm::Communicator;

/// Sends the rank's world number along an edge; the receiver finds `expected`.
void expect_edge(Communicator* out, Communicator* in, int world_rank, int expected) {
  ASSERT_TRUE(out && in);
  EXPECT_EQ(out->size(), 2);
  EXPECT_EQ(out->rank(), 0);
  EXPECT_EQ(in->size(), 2);
  EXPECT_EQ(in->rank(), 1);
  const at::Tensor got = at::empty({1}, at::kInt);
  const comm::Work sent = out->send(at::full({1}, world_rank, at::kInt), 1);
  in->recv(got, 0).wait();
  sent.wait();
  EXPECT_EQ(got.item<int>(), expected);
}

void check_grid(Communicator& world, GridShape shape) {
  const ProcessGrid grid(world, shape);
  const int stages = shape.stages;
  EXPECT_EQ(grid.stage(), world.rank() % stages);
  EXPECT_EQ(grid.replica(), world.rank() / stages);
  EXPECT_EQ(grid.pipeline().rank(), grid.stage());
  EXPECT_EQ(grid.pipeline().size(), stages);
  EXPECT_EQ(grid.replica_group().rank(), grid.replica());
  EXPECT_EQ(grid.replica_group().size(), shape.replicas);
  const bool outer = stages > 1 && (grid.stage() == 0 || grid.stage() == stages - 1);
  EXPECT_EQ(grid.tied() != nullptr, outer);
  if (outer) {
    EXPECT_EQ(grid.tied()->rank(), grid.stage() == 0 ? 0 : 1);
  }
  if (stages == 1) {
    EXPECT_FALSE(grid.to_next() || grid.from_previous() || grid.to_previous() || grid.from_next());
    return;
  }
  const int first = grid.replica() * stages;
  const int previous = first + (grid.stage() + stages - 1) % stages,
            next = first + (grid.stage() + 1) % stages;
  expect_edge(grid.to_next(), grid.from_previous(), world.rank(), previous);
  expect_edge(grid.to_previous(), grid.from_next(), world.rank(), next);
}

class Grid : public testing::TestWithParam<GridShape> {};

TEST_P(Grid, PutsEveryRankInItsGroupsAndEdges) {
  const GridShape shape = GetParam();
  comm::on_threads(shape.stages * shape.replicas,
                   [shape](Communicator& world) { check_grid(world, shape); });
}

INSTANTIATE_TEST_SUITE_P(Shapes, Grid,
                         testing::Values(GridShape{1, 1}, GridShape{1, 3}, GridShape{2, 1},
                                         GridShape{2, 2}, GridShape{3, 1}, GridShape{3, 2},
                                         GridShape{4, 1}, GridShape{5, 1}),
                         [](const auto& one) {
                           return std::to_string(one.param.stages) + "Stages" +
                                  std::to_string(one.param.replicas) + "Replicas";
                         });

TEST(GridShape, IsTheWorldDividedByTheStages) {
  EXPECT_EQ(grid_shape(12, 4).replicas, 3);
  EXPECT_EQ(grid_shape(12, 4).stages, 4);
}

TEST(GridShape, NamesAllNumbersWhenStagesDoNotDivideTheWorld) {
  for (const auto& [world, stages] : {std::pair{5, 2}, std::pair{4, 0}, std::pair{2, 4}}) {
    try {
      grid_shape(world, stages);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
      const std::string message = error.what();
      EXPECT_NE(message.find("parallel.stages = " + std::to_string(stages)), std::string::npos)
          << message;
      EXPECT_NE(message.find("world of " + std::to_string(world)), std::string::npos) << message;
    }
  }
}

TEST(ProcessGrid, RefusesAShapeThatIsNotTheWorld) {
  comm::on_threads(2, [](Communicator& world) {
    EXPECT_THROW(ProcessGrid(world, GridShape{3, 1}), Error);
  });
}

}  // namespace
}  // namespace spillway::parallel
