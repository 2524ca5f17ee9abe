#include "parallel/pipeline/paced_stage.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <chrono>

#include "parallel/pipeline/execute.hpp"
#include "parallel/pipeline/links.hpp"
#include "parallel/pipeline/lower.hpp"
#include "tests/parallel/comm/conformance.hpp"
#include "tests/parallel/pipeline/execute_check.hpp"

namespace spillway::pipeline {
namespace {

using Clock = std::chrono::steady_clock;

template <typename Call>
double seconds(const Call& call) {
  const auto begin = Clock::now();
  call();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

PacedStage::Options second_of_three(std::int64_t edge_bytes) {
  return {
      .stage = 1,
      .stages = 3,
      .costs = {.forward = 0.02, .backward_input = 0.03, .backward_weight = 0.04, .backward = 0.05},
      .edge_bytes = edge_bytes};
}

TEST(PacedStage, WaitsTheCostOfEachAction) {
  PacedStage stage(second_of_three(8));
  const at::Tensor edge = stage.make_input(0);
  EXPECT_NEAR(seconds([&] { stage.forward(0, edge); }), 0.02, 0.01);
  EXPECT_NEAR(seconds([&] { stage.backward_input(0, edge); }), 0.03, 0.01);
  EXPECT_NEAR(seconds([&] { stage.backward_weight(0); }), 0.04, 0.01);
  EXPECT_NEAR(seconds([&] { stage.backward(0, edge); }), 0.05, 0.01);
}

TEST(PacedStage, TensorsHaveTheSizeOfTheEdgeAndEndWithThePipeline) {
  PacedStage::Options options = second_of_three(1001);
  options.costs = {};
  PacedStage middle(options);
  EXPECT_EQ(middle.make_input(0).nbytes(), 1001U);
  EXPECT_EQ(middle.forward(0, {}).nbytes(), 1001U);
  EXPECT_EQ(middle.backward(0, {}).nbytes(), 1001U);
  EXPECT_EQ(middle.backward_input(0, {}).nbytes(), 1001U);
  options.stage = 0;
  EXPECT_FALSE(PacedStage(options).backward(0, {}).defined());
  options.stage = 2;
  EXPECT_FALSE(PacedStage(options).forward(0, {}).defined());
}

TEST(PacedStage, APipelineOfThemTakesThePredictedTime) {
  const Schedule lowered = lower(zero_bubble_by_hand());
  Costs costs = uniform_costs(4, 0.02, 0.02, 0.02);
  comm::on_threads(4, [&](comm::Communicator& world) {
    const parallel::ProcessGrid grid(world, {.stages = 4, .replicas = 1});
    const int rank = grid.stage();
    PacedStage stage({.stage = rank,
                      .stages = 4,
                      .costs = costs.stages[static_cast<std::size_t>(rank)],
                      .edge_bytes = 1 << 16});
    ActionLog log;
    world.barrier().wait();
    const Timeline timeline = execute(
        lowered, {{rank, &stage}}, Edges(grid, rank_of_stage(lowered)), [](int) {}, log);
    if (rank > 0) return;
    const double predicted = simulate(lowered, costs).makespan;
    EXPECT_GE(span(timeline), predicted - 1e-6);
    EXPECT_LE(span(timeline), 1.2 * predicted);
  });
}

TEST(Links, AreMeasuredWithoutTheRestsBetweenMessages) {
  comm::on_threads(3, [](comm::Communicator& world) {
    const parallel::ProcessGrid grid(world, {.stages = 3, .replicas = 1});
    const Link link = measure_link(grid, 16 << 20, at::kCPU);
    EXPECT_GT(link.hop_seconds, 0);
    EXPECT_LT(link.hop_seconds, 1e-3);  // a rest takes 2 ms
    EXPECT_GT(link.transfer_seconds, 1e-4);
    EXPECT_LT(link.transfer_seconds, 0.1);
  });
}

TEST(Links, OneStageHasNone) {
  comm::on_threads(1, [](comm::Communicator& world) {
    const Link link = measure_link(parallel::ProcessGrid(world, {}), 1000, at::kCPU);
    EXPECT_EQ(link.hop_seconds, 0);
    EXPECT_EQ(link.transfer_seconds, 0);
  });
}

}  // namespace
}  // namespace spillway::pipeline
