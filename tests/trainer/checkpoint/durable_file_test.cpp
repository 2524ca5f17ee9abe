#include "trainer/checkpoint/durable_file.hpp"

#include "tests/trainer/checkpoint/scratch.hpp"
#include "trainer/checkpoint/checksum.hpp"

namespace spillway::trainer {
namespace {

TEST(DurableFile, WritingReplacesTheOldContentWhole) {
  const auto path = scratch_folder() / "a.json";
  write_file_durably(path, "a long first content");
  write_file_durably(path, "short");
  EXPECT_EQ(read_text(path), "short");
  EXPECT_FALSE(std::filesystem::exists(path.string() + ".tmp"));
}

TEST(DurableFile, PublishingOverAnExistingFolderReplacesIt) {
  const auto folder = scratch_folder();
  for (const char* name : {"new", "old"}) {
    std::filesystem::create_directories(folder / name);
    write_file_durably(folder / name / "which", name);
  }
  publish_folder(folder / "new", folder / "old");
  EXPECT_EQ(read_text(folder / "old" / "which"), "new");
  EXPECT_FALSE(std::filesystem::exists(folder / "new"));
  publish_folder(folder / "old", folder / "elsewhere");
  EXPECT_EQ(read_text(folder / "elsewhere" / "which"), "new");
}

TEST(DurableFile, FailuresNameOperationPathAndReason) {
  const std::string message = complaint([] { File::open_to_read("/nonexistent/x"); });
  EXPECT_NE(message.find("open /nonexistent/x: No such file or directory (errno 2)"),
            std::string::npos)
      << message;
  const auto path = scratch_folder() / "short";
  write_file_durably(path, "abc");
  std::byte four[4];
  EXPECT_NE(complaint([&] { File::open_to_read(path).read_at(0, four); }).find("ends at byte 3"),
            std::string::npos);
}

TEST(DurableFile, AFullDeviceIsAnError) {
  File full = File::open_to_append("/dev/full");
  EXPECT_NE(complaint([&] { full.append("x"); }).find("No space left on device"),
            std::string::npos);
}

TEST(Checksum, IsXxh3AndOfFilesPieceByPiece) {
  // XXH3_64bits of no bytes with seed 0, from the specification's test vectors.
  EXPECT_EQ(checksum(std::string_view("")), "2d06800538d394c2");
  const auto path = scratch_folder() / "big";
  std::string text(std::size_t{9} << 20, 'a');
  text[5000000] = 'b';
  write_file_durably(path, text);
  EXPECT_EQ(file_checksum(path), checksum(text));
}

}  // namespace
}  // namespace spillway::trainer
