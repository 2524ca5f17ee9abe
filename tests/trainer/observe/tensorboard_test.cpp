#include "trainer/observe/tensorboard.hpp"

#include <cstring>
#include <limits>

#include "tests/trainer/checkpoint/scratch.hpp"

namespace spillway::trainer {
namespace {

std::string only_file(const std::filesystem::path& run) {
  std::string text;
  for (const auto& entry : std::filesystem::directory_iterator(run / "tb")) {
    text += read_text(entry.path());
  }
  return text;
}

TEST(TensorBoard, ChecksumIsCastagnolis) {
  // RFC 3720, appendix B.4, and the usual check value.
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u);
}

TEST(TensorBoard, ARecordIsLengthBytesAndTwoChecksums) {
  const std::string record = tf_record("abcde");
  ASSERT_EQ(record.size(), 8u + 4 + 5 + 4);
  std::uint64_t length = 0;
  std::memcpy(&length, record.data(), 8);
  EXPECT_EQ(length, 5u);
  EXPECT_EQ(record.substr(12, 5), "abcde");
}

TEST(TensorBoard, AFileStartsWithItsVersionAndSkipsWhatIsNotFinite) {
  const auto run = scratch_folder();
  TensorBoardFile file(run, std::nullopt);
  StepMetrics metrics(1);
  metrics.set("good", 1);
  metrics.set("bad", std::numeric_limits<double>::infinity());
  file.write(metrics, 5);
  const std::string text = only_file(run);
  EXPECT_NE(text.find("brain.Event:2"), std::string::npos);
  EXPECT_NE(text.find("good"), std::string::npos);
  EXPECT_EQ(text.find("bad"), std::string::npos);
}

}  // namespace
}  // namespace spillway::trainer
