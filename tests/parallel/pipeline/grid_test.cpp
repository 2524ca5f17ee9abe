#include "parallel/pipeline/grid.hpp"

#include <gtest/gtest.h>

#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

TEST(Grid, TimeRunsToTheRightAndBackwardsLastTwoColumns) {
  const Simulation simulation = simulate(lower(one_f_one_b(2, 2)), uniform_costs(2, 1, 1, 1));
  EXPECT_EQ(time_grid(simulation, 100),
            "rank 0   F0 F1 .  .  B0=== .  B1===\n"
            "rank 1   .  F0 B0=== F1 B1=== .  .\n");
}

TEST(Grid, StagesAreNamedWhereARankHasSeveral) {
  const Simulation simulation =
      simulate(lower(from_text("0F0 3F0 3B0 0B0\n1F0 2F0 2B0 1B0")), uniform_costs(4, 1, 1, 0));
  EXPECT_EQ(time_grid(simulation, 100),
            "rank 0   0F0 .   .   3F0 3B0 .   .   0B0\n"
            "rank 1   .   1F0 2F0 .   .   2B0 1B0 .\n");
}

TEST(Grid, ColumnsWidenToFitTheLine) {
  const Simulation simulation = simulate(lower(one_f_one_b(4, 64)), uniform_costs(4, 1, 1, 1));
  const std::string grid = time_grid(simulation, 50);
  EXPECT_LE(grid.find('\n'), 9 + 51 * 4U);
}

TEST(Grid, OrderShowsTheSurroundingsOfTheSpot) {
  const Schedule schedule = one_f_one_b(20, 40);
  const std::string grid = order_grid(schedule, {10, 30});
  EXPECT_NE(grid.find("> rank 10"), std::string::npos);
  EXPECT_NE(grid.find(">10"), std::string::npos);
  EXPECT_EQ(std::count(grid.begin(), grid.end(), '\n'), 10);
  EXPECT_EQ(std::count(grid.begin(), grid.end(), '<'), 1);
  EXPECT_EQ(order_grid(Schedule{}, {}), "action    \n");
}

}  // namespace
}  // namespace spillway::pipeline
