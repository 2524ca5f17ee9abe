#include "configs/command_line.hpp"

#include <gtest/gtest.h>

#include "configs/error.hpp"

namespace spillway::config {
namespace {

const Usage kUsage{
    .command = "sample",
    .summary = "A command.",
    .positionals = {"[CONFIG]"},
    .options = {{"format", "table|json", "how to print", "table"}, {"verbose", "", "say more"}},
    .settings = true};

std::string complaint(const std::vector<std::string>& words) {
  try {
    parse(kUsage, words);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(CommandLine, OptionsSettingsAndPositionalsMix) {
  const Arguments arguments = parse(
      kUsage, {"--model.layers=3", "a.toml", "--format", "json", "--model.layers=4", "--verbose"});
  EXPECT_EQ(arguments.value("format"), "json");
  EXPECT_TRUE(arguments.flag("verbose"));
  EXPECT_EQ(arguments.positionals(), std::vector<std::string>{"a.toml"});
  EXPECT_EQ(load(std::nullopt, arguments.overrides()).model.layers, 4);
  EXPECT_EQ(parse(kUsage, {}).value("format"), "table");
}

TEST(CommandLine, AChoiceIsOneOfItsNames) {
  EXPECT_EQ(parse(kUsage, {"--format=json"}).choice("format", "table | json"), "json");
  EXPECT_EQ(parse(kUsage, {}).choice("format", "table | json"), "table");
  for (const char* wrong : {"--format=jsn", "--format=|", "--format=table | json"}) {
    EXPECT_THROW(parse(kUsage, {wrong}).choice("format", "table | json"), Error) << wrong;
  }
}

TEST(CommandLine, MistakesAreNamed) {
  EXPECT_NE(complaint({"--model.layer=3"}).find("did you mean --model.layers?"), std::string::npos);
  EXPECT_NE(complaint({"--fromat", "json"}).find("did you mean --format?"), std::string::npos);
  EXPECT_NE(complaint({"a.toml", "b.toml"}).find("2 arguments given; expected [CONFIG]"),
            std::string::npos);
  EXPECT_NE(complaint({"--format"}), "");
}

TEST(CommandLine, HelpListsEverySettingWithMeaningUnitAndDefault) {
  const std::string text = help_text(kUsage);
  for (const std::string& name : setting_names())
    EXPECT_NE(text.find("--" + name + "="), std::string::npos) << name;
  EXPECT_NE(text.find("--model.sequence_length=256 tokens"), std::string::npos);
  EXPECT_TRUE(parse(kUsage, {"--help", "a", "b", "c"}).help());
}

}  // namespace
}  // namespace spillway::config
