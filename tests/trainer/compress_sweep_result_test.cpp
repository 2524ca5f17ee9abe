#include "trainer/commands/compress_sweep_result.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace spillway::trainer {
namespace {

/// A cell whose steps take a second each.
CellResult cell(const std::string& name, double bytes, double step_seconds,
                std::vector<double> loss) {
  CellResult result;
  result.name = name;
  result.payload_bytes = bytes;
  result.step_seconds = step_seconds;
  for (std::size_t i = 1; i <= loss.size(); ++i) result.elapsed.push_back(static_cast<double>(i));
  result.loss = std::move(loss);
  return result;
}

TEST(CellResult, TheLossIsTheMeanOfTheLastTenthOfTheSteps) {
  std::vector<double> loss(20, 5.0);
  loss[18] = 1;
  loss[19] = 2;
  const CellResult result = cell("a", 1, 1, loss);
  EXPECT_DOUBLE_EQ(result.final_loss(), 1.5);
  EXPECT_DOUBLE_EQ(*result.seconds_to(3), 19);  // (5 + 1) / 2
  EXPECT_DOUBLE_EQ(*result.seconds_to(2), 20);
  EXPECT_FALSE(result.seconds_to(1));
  EXPECT_DOUBLE_EQ(*result.seconds_to(9), 2);  // not before there are two losses to average
}

TEST(CellResult, TheTargetIsTheWorstOfTheBaselines) {
  const std::vector<CellResult> results{cell("none", 4, 1, {2.0}), cell("bf16", 2, 1, {2.5}),
                                        cell("powersgd", 1, 1, {3.0})};
  EXPECT_DOUBLE_EQ(default_target(results), 2.5);
}

TEST(CellResult, TheFrontHoldsWhatNoOtherBeatsInAllThree) {
  const double nan = std::nan("");
  const std::vector<CellResult> results{cell("fewest bytes", 1, 3, {3.0}),
                                        cell("fastest", 3, 1, {3.0}),
                                        cell("best loss", 3, 3, {1.0}), cell("beaten", 3, 3, {3.0}),
                                        cell("diverged", 0.5, 0.5, {nan})};
  EXPECT_EQ(pareto_front(results), (std::vector<bool>{true, true, true, false, false}));
}

TEST(CellResult, ComesBackFromItsFile) {
  CellResult result = cell("powersgd,wire=bf16", 123, 0.25, {2.5, std::nan("")});
  result.settings = {{"compression.method", "\"powersgd\""}};
  result.errors = {{.step = 7, .relative_l2 = 0.125, .cosine = 0.5}};
  result.skipped = 1;
  const CellResult back = result_from_json(nlohmann::ordered_json::parse(to_json(result).dump()));
  EXPECT_EQ(back.name, result.name);
  EXPECT_EQ(back.settings, result.settings);
  EXPECT_EQ(back.payload_bytes, 123);
  EXPECT_EQ(back.loss[0], 2.5);
  EXPECT_TRUE(std::isnan(back.loss[1]));
  EXPECT_EQ(back.elapsed, result.elapsed);
  EXPECT_EQ(back.errors.at(0).cosine, 0.5);
  EXPECT_EQ(back.skipped, 1);
  EXPECT_THROW(result_from_json(nlohmann::ordered_json::parse("{\"name\": 3}")),
               nlohmann::json::exception);
}

}  // namespace
}  // namespace spillway::trainer
