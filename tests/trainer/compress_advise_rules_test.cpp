#include "trainer/commands/compress_advise_rules.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "configs/compression_rules.hpp"
#include "configs/load.hpp"

namespace spillway::trainer {
namespace {

TEST(MixRules, AConfigurationOfThemGivesEachGroupItsBestMethod) {
  Advice advice;
  for (const auto& [pattern, best] :
       {std::pair("layers.*.mlp.up.weight", "powersgd,approximation_rank=16,wire=bf16"),
        std::pair("layers.*.mlp.up.bias", "bf16"), std::pair("final_norm.weight", "bf16"),
        std::pair("embedding.weight", "topk,density=0.001")})
    advice.groups.push_back({.group = {.pattern = pattern}, .best = best});
  const std::filesystem::path file =
      std::filesystem::path(testing::TempDir()) / "spillway_mix_rules.toml";
  std::ofstream(file) << mix_rules(advice);
  const config::CompressionConfig config = config::load(file, {}).compression;
  std::filesystem::remove(file);
  const auto method = [&](const std::string& name) { return config::method_of(config, name); };
  EXPECT_EQ(config.rules.size(), 2U);
  EXPECT_EQ(method("layers.3.mlp.up.bias").method, "bf16");
  EXPECT_EQ(method("final_norm.weight").method, "bf16");
  EXPECT_EQ(method("layers.11.mlp.up.weight").method, "powersgd");
  EXPECT_EQ(method("layers.11.mlp.up.weight").approximation_rank, 16);
  EXPECT_EQ(method("layers.11.mlp.up.weight").wire, "bf16");
  EXPECT_EQ(method("embedding.weight").density, 0.001);
  EXPECT_EQ(method("embedding_weight").method, "bf16");
  EXPECT_EQ(method("layers.x.mlp.up.weight").method, "bf16");
}

TEST(MixRules, NoGroupsNeedNone) { EXPECT_EQ(mix_rules({}), ""); }

}  // namespace
}  // namespace spillway::trainer
