#include "configs/load.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include "configs/compression_rules.hpp"
#include "configs/error.hpp"

namespace spillway::config {
namespace {

std::filesystem::path write_file(const std::string& text) {
  const auto path = std::filesystem::path(testing::TempDir()) / "spillway_load_test.toml";
  std::ofstream(path) << text;
  return path;
}

std::string complaint(const std::string& toml, const std::vector<Override>& overrides = {}) {
  try {
    load(write_file(toml), overrides);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::input);
    return error.what();
  }
  return "";
}

TEST(Load, LaterSourcesWin) {
  const auto file =
      write_file("[model]\nlayers = 12\nhidden = 768\nheads = 12\n[data.mutation]\nrate = 0.3\n");
  const Config config = load(file, {{"model.layers", "24"}, {"run.dir", "runs/x"}});
  EXPECT_EQ(config.model.layers, 24);
  EXPECT_EQ(config.model.hidden, 768);
  EXPECT_EQ(config.model.family, "gpt2");
  EXPECT_EQ(config.mutation.rate, 0.3);
  EXPECT_EQ(config.run.dir, "runs/x");
}

TEST(Load, ResolvedDumpGivesTheSameConfiguration) {
  const Config config = load(std::nullopt, {{"optimizer.learning_rate", "3e-4"},
                                            {"run.dir", "a \"quoted\" \\ folder"},
                                            {"parallel.stages", "2"},
                                            {"parallel.layers_per_stage", "[4, 2]"},
                                            {"optimizer.weight_decay", "0"},
                                            {"run.resume", "false"}});
  const std::string dump = to_toml(config);
  const Config again = load(write_file(dump), {});
  EXPECT_EQ(to_toml(again), dump);
  EXPECT_EQ(again.optimizer.learning_rate, 3e-4);
  EXPECT_EQ(again.run.dir, "a \"quoted\" \\ folder");
  EXPECT_EQ(again.parallel.layers_per_stage, (std::vector<std::int64_t>{4, 2}));
  EXPECT_FALSE(again.run.resume);
}

constexpr const char* kRules = R"(
[[compression.rules]]
match = 'norm|bias$'
method = "none"
[[compression.rules]]
match = "embedding"
approximation_rank = 2
wire = "bf16"
)";

TEST(Load, RulesComeFromTablesAndFromText) {
  const Config config = load(write_file(kRules), {{"compression.method", "powersgd"}});
  ASSERT_EQ(config.compression.rules.size(), 2);
  EXPECT_EQ(method_of(config.compression, "layers.0.norm.weight").method, "none");
  EXPECT_EQ(method_of(config.compression, "layers.0.mlp.weight").approximation_rank, 4);
  const CompressionMethod embedding = method_of(config.compression, "embedding.weight");
  EXPECT_EQ(embedding.method, "powersgd");
  EXPECT_EQ(embedding.approximation_rank, 2);
  EXPECT_EQ(embedding.wire, "bf16");
  EXPECT_EQ(idle_rules(config.compression, {"a.norm.weight", "b"}),
            std::vector<std::string>{"embedding"});

  const std::string dump = to_toml(config);
  EXPECT_EQ(to_toml(load(write_file(dump), {})), dump);
  const Config given =
      load(write_file(kRules), {{"compression.rules", "[{match = \"x\", density = 0.5}]"}});
  ASSERT_EQ(given.compression.rules.size(), 1);
  EXPECT_EQ(method_of(given.compression, "axb").density, 0.5);
}

TEST(Load, FaultyRulesAreNamed) {
  const auto rule = [](const std::string& text) {
    return complaint("", {{"compression.rules", "[{" + text + "}]"}});
  };
  EXPECT_EQ(
      rule("match = 'a', methd = 'none'"),
      "command line: compression.rules, match = 'a': setting = \"methd\" is not one of method | "
      "approximation_rank | start_step | min_compression_rate | wire | power_iterations | "
      "refresh_every | matrix | density | quantization; did you mean \"method\"?");
  EXPECT_EQ(rule("match = '(', method = 'none'"),
            "command line: compression.rules, match = '(': not a regular expression (ECMAScript)");
  EXPECT_NE(rule("match = 'a', method = 'powrsgd'").find("did you mean \"powersgd\"?"),
            std::string::npos);
  EXPECT_NE(rule("match = 'a', approximation_rank = 0").find("valid: >= 1"), std::string::npos);
  EXPECT_NE(rule("match = 'a', wire = 3").find("is not text"), std::string::npos);
  EXPECT_NE(rule("match = 'a'").find("sets nothing"), std::string::npos);
  EXPECT_NE(rule("method = 'none'").find("valid: a regular expression"), std::string::npos);
  EXPECT_NE(complaint("", {{"compression.rules", "7"}}).find("is not a list of tables"),
            std::string::npos);
}

TEST(Load, UnknownKeyProposesTheNearest) {
  EXPECT_NE(complaint("[model]\nlayer = 6\n")
                .find(":2: unknown setting model.layer; did you mean model.layers?"),
            std::string::npos);
  EXPECT_NE(complaint("", {{"paralel.stages", "2"}}).find("did you mean parallel.stages?"),
            std::string::npos);
  EXPECT_NE(complaint("[somewhere]\nelse = 1\n").find("unknown setting somewhere.else"),
            std::string::npos);
}

TEST(Load, WrongTypeNamesKeyValueAndType) {
  EXPECT_NE(complaint("[model]\nlayers = \"six\"\n").find("is not a whole number"),
            std::string::npos);
  EXPECT_NE(complaint("[model]\nlayers = 6.5\n").find("is not a whole number"), std::string::npos);
  EXPECT_NE(
      complaint("", {{"run.resume", "maybe"}}).find("run.resume = maybe is not true or false"),
      std::string::npos);
  EXPECT_NE(complaint("", {{"model.layers", "6 # x\nhidden = 1"}}), "");
  EXPECT_NE(complaint("[parallel]\nlayers_per_stage = [1, \"a\"]\n").find("is not a list"),
            std::string::npos);
}

TEST(Load, OutOfRangeNamesWhatIsValid) {
  EXPECT_NE(complaint("[data.mutation]\nrate = 1.5\n")
                .find("data.mutation.rate = 1.5 is out of range; valid: 0 to 1"),
            std::string::npos);
  EXPECT_NE(complaint("[model]\nlayers = 0\n").find("valid: >= 1"), std::string::npos);
  EXPECT_NE(complaint("[model]\nfamily = \"lama\"\n")
                .find("is not one of gpt2 | llama; did you mean \"llama\"?"),
            std::string::npos);
  EXPECT_NE(complaint("[optimizer]\nlearning_rate = nan\n").find("out of range"),
            std::string::npos);
}

TEST(Load, ContradictionsNameAllNumbers) {
  EXPECT_NE(complaint("[model]\nlayers = 2\n[parallel]\nstages = 3\n")
                .find("model.layers = 2 is fewer than"),
            std::string::npos);
  EXPECT_NE(complaint("[model]\nhidden = 100\nheads = 7\n").find("is not a multiple of"),
            std::string::npos);
  EXPECT_NE(complaint("[parallel]\nstages = 2\nlayers_per_stage = [3, 4]\n").find("sum 7"),
            std::string::npos);
}

TEST(Load, BrokenOrMissingFileIsNamed) {
  EXPECT_NE(complaint("[model\n").find("spillway_load_test.toml:1: not TOML"), std::string::npos);
  EXPECT_THROW(load("/nonexistent/x.toml", {}), Error);
}

TEST(Load, ReferencePageIsCurrent) {
  std::ifstream page(std::string(SPILLWAY_SOURCE) + "/configs/README.md");
  const std::string text{std::istreambuf_iterator<char>(page), {}};
  EXPECT_EQ(text, settings_markdown())
      << "run: spillway settings --format markdown > configs/README.md";
}

}  // namespace
}  // namespace spillway::config
