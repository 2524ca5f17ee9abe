#include "trainer/checkpoint/manifest.hpp"

#include "configs/error.hpp"
#include "tests/trainer/checkpoint/scratch.hpp"
#include "trainer/checkpoint/checksum.hpp"

namespace spillway::trainer {
namespace {

Manifest sample() {
  Manifest manifest;
  manifest.step = 123;
  manifest.files = {{.name = "rank-0.h5", .bytes = 4096, .xxh3 = "0123456789abcdef"}};
  manifest.tensors["model/wte"] = {.file = "rank-0.h5",
                                   .dtype = "bfloat16",
                                   .shape = {3, 5},
                                   .offset = 2048,
                                   .bytes = 30,
                                   .xxh3 = "fedcba9876543210"};
  manifest.metadata = {{"config", "[run]\nsteps = 7\n"}, {"learning_rate", 1e-3}, {"seed", 7}};
  return manifest;
}

TEST(Manifest, TextComesBackAsItWas) {
  const std::string text = to_text(sample());
  const Manifest again = parse_manifest(text);
  EXPECT_EQ(to_text(again), text);
  EXPECT_EQ(again.step, 123);
  EXPECT_EQ(again.tensors.at("model/wte").shape, (std::vector<std::int64_t>{3, 5}));
  EXPECT_EQ(again.metadata.at("learning_rate"), 1e-3);
}

TEST(Manifest, EveryChangedByteAndEveryCutIsNoticed) {
  const std::string text = to_text(sample());
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string changed = text;
    changed[at] = changed[at] == 'x' ? 'y' : 'x';
    if (std::isspace(static_cast<unsigned char>(text[at])) != 0) continue;  // may be layout
    EXPECT_THROW(parse_manifest(changed), Error) << at;
  }
  for (std::size_t length = 0; length + 2 < text.size(); ++length) {
    EXPECT_THROW(parse_manifest(text.substr(0, length)), Error) << length;
  }
}

TEST(Manifest, ANewerVersionIsNotReadAsIfItWereOurs) {
  auto whole = nlohmann::json::parse(to_text(sample()));
  whole["manifest"]["version"] = 2;
  whole["checksum"] = checksum(whole["manifest"].dump());
  EXPECT_EQ(complaint([&] { parse_manifest(whole.dump()); }),
            "format version 2 is not known here; valid: 1");
}

TEST(Manifest, AMissingFileIsNamed) {
  const auto folder = scratch_folder();
  EXPECT_EQ(complaint([&] { read_manifest(folder); }),
            (folder / "manifest.json").string() + ": missing");
}

}  // namespace
}  // namespace spillway::trainer
