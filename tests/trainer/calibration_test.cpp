#include "trainer/calibration.hpp"

#include <gtest/gtest.h>

#include "configs/error.hpp"

namespace spillway::trainer {
namespace {

Calibration example() {
  return {.fingerprint = "0123456789abcdef",
          .hosts = {"a", "b"},
          .hop_seconds = 0.1 + 0.2,
          .transfer_seconds = 1.0 / 3,
          .layouts = {{.rank_of_stage = {0, 1, 1, 0},
                       .recompute = Recompute::selective,
                       .stages = {{1.0 / 7, 2, 3, 5, 0.5}, {2}, {3}, {4}}},
                      {.rank_of_stage = {0, 1}, .stages = {{1}, {2}}}}};
}

std::string complaint(const std::string& text) {
  try {
    parse_calibration(text, "here");
  } catch (const Error& error) {
    return error.kind() == ErrorKind::input ? error.what() : "not an input error";
  }
  return "";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t place = text.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return text.replace(place, from.size(), to);
}

TEST(Calibration, ComesBackFromItsTextToTheBit) {
  const Calibration got = parse_calibration(to_text(example()), "here");
  EXPECT_EQ(got.hosts, example().hosts);
  EXPECT_EQ(got.fingerprint, example().fingerprint);
  EXPECT_EQ(got.hop_seconds, 0.1 + 0.2);
  EXPECT_EQ(got.transfer_seconds, 1.0 / 3);
  EXPECT_EQ(got.layouts[0].recompute, Recompute::selective);
  EXPECT_EQ(got.layouts[0].rank_of_stage, (std::vector<int>{0, 1, 1, 0}));
  const pipeline::StageCosts& first = got.layouts[0].stages[0];
  EXPECT_EQ(first.forward, 1.0 / 7);
  EXPECT_EQ(first.backward_input, 2);
  EXPECT_EQ(first.backward_weight, 3);
  EXPECT_EQ(first.backward, 5);
  EXPECT_EQ(first.recompute, 0.5);
  EXPECT_EQ(to_text(got), to_text(example()));
}

TEST(Calibration, DamageIsNamed) {
  const std::string text = to_text(example());
  EXPECT_NE(complaint(text.substr(0, text.size() / 2)).find("here: "), std::string::npos);
  EXPECT_NE(complaint(""), "");
  EXPECT_NE(complaint(replaced(text, "\"hosts\"", "\"guests\"")).find("hosts"), std::string::npos);
  EXPECT_NE(complaint(replaced(text, "\"F\": 1.0", "\"F\": -1.0")).find("\"F\" is -1.0"),
            std::string::npos);
  EXPECT_NE(complaint(replaced(text, "\"W\": 3.0", "\"W\": null")), "");
  EXPECT_NE(complaint(replaced(text, "\"format\": 1", "\"format\": 2")).find("format 2; valid: 1"),
            std::string::npos);
  EXPECT_NE(complaint(replaced(text, "0,\n        1\n", "0\n")).find("of 2 stages stand for 1"),
            std::string::npos);
}

TEST(Calibration, CostsAreThoseOfOneLayout) {
  const pipeline::Costs costs = example().costs({0, 1, 1, 0}, Recompute::selective, 6);
  EXPECT_EQ(costs.stages[0].backward, 5);
  EXPECT_DOUBLE_EQ(costs.transfer_seconds(), 0.3 + 1.0 / 3);
  try {
    example().costs({0, 1}, Recompute::full, 6);
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "no costs were measured for stages on ranks 0 1 with recompute full; measured: "
                 "stages on ranks 0 1 1 0 with recompute selective; stages on ranks 0 1 with "
                 "recompute none");
  }
}

TEST(Calibration, TheFingerprintChangesWithWhatTheTimesDependOnOnly) {
  const config::Config config;
  const auto changes = [&](const auto& change) {
    config::Config other = config;
    change(other);
    return calibration_fingerprint(other) != calibration_fingerprint(config);
  };
  EXPECT_TRUE(changes([](config::Config& c) { c.model.hidden = 512; }));
  EXPECT_TRUE(changes([](config::Config& c) { c.parallel.stages = 2; }));
  EXPECT_TRUE(changes([](config::Config& c) { c.parallel.microbatch_size = 1; }));
  EXPECT_TRUE(changes([](config::Config& c) { c.parallel.layers_per_stage = {1, 5}; }));
  EXPECT_TRUE(changes([](config::Config& c) { c.parallel.recompute_layers = 1; }));
  EXPECT_TRUE(changes([](config::Config& c) { c.parallel.edge_dtype = "bf16"; }));
  EXPECT_TRUE(changes([](config::Config& c) { c.precision.mode = "bf16-qat"; }));
  EXPECT_TRUE(changes([](config::Config& c) { c.run.threads = 2; }));
  EXPECT_FALSE(changes([](config::Config& c) { c.parallel.schedule = "auto"; }));
  EXPECT_FALSE(changes([](config::Config& c) { c.parallel.microbatches = 16; }));
  EXPECT_FALSE(changes([](config::Config& c) { c.run.steps = 1; }));
  EXPECT_FALSE(changes([](config::Config& c) { c.optimizer.learning_rate = 1; }));
}

}  // namespace
}  // namespace spillway::trainer
