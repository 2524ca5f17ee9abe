#include "trainer/observe/json_lines.hpp"

#include <limits>

#include "tests/trainer/checkpoint/scratch.hpp"

namespace spillway::trainer {
namespace {

TEST(JsonLines, OnlyEverGrows) {
  const auto path = scratch_folder() / "a.jsonl";
  JsonLines(path).append({{"step", 1}});
  JsonLines(path).append({{"step", 2}});
  EXPECT_EQ(read_text(path), "{\"step\":1}\n{\"step\":2}\n");
}

TEST(JsonLines, ATornLineIsClosedOffBeforeTheNext) {
  const auto path = scratch_folder() / "a.jsonl";
  File::open_to_append(path).append("{\"step\":1}\n{\"ste");
  JsonLines lines(path);
  lines.append({{"step", 3}});
  lines.append({{"step", 4}});
  EXPECT_EQ(read_text(path), "{\"step\":1}\n{\"ste\n{\"step\":3}\n{\"step\":4}\n");
}

TEST(JsonLines, WhatJsonCannotSayBecomesNullOrAReplacementCharacter) {
  const auto path = scratch_folder() / "a.jsonl";
  JsonLines(path).append({{"loss", std::numeric_limits<double>::quiet_NaN()}, {"text", "\xff"}});
  EXPECT_EQ(read_text(path), "{\"loss\":null,\"text\":\"\xef\xbf\xbd\"}\n");
}

TEST(JsonLines, AFullDeviceIsNamed) {
  JsonLines lines("/dev/full");
  EXPECT_NE(complaint([&] {
              lines.append({{"step", 1}});
            }).find("/dev/full: No space left"),
            std::string::npos);
}

}  // namespace
}  // namespace spillway::trainer
