#include "trainer/observe/tensorboard.hpp"

#include <unistd.h>

#include <array>
#include <bit>
#include <cmath>

#include "trainer/observe/events.hpp"

namespace spillway::trainer {
namespace {

namespace fs = std::filesystem;

static_assert(std::endian::native == std::endian::little, "records are little-endian");

constexpr std::uint32_t kCastagnoli = 0x82f63b78;  // reflected
constexpr std::uint32_t kMaskDelta = 0xa282ead8;   // tensorflow/core/lib/hash/crc32c.h

constexpr std::array<std::uint32_t, 256> make_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kCastagnoli : 0);
    table[byte] = crc;
  }
  return table;
}

template <class T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

// Protocol buffers, encoding of the wire: https://protobuf.dev/programming-guides/encoding
enum class WireType : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  return out + static_cast<char>(value);
}

std::string key(std::uint32_t field, WireType type) {
  return varint(field << 3 | static_cast<std::uint32_t>(type));
}

std::string bytes_field(std::uint32_t field, std::string_view bytes) {
  return key(field, WireType::bytes) + varint(bytes.size()) + std::string(bytes);
}

/// An Event with its time and step; `content` is the one other field.
std::string event(double unix_seconds, std::int64_t step, const std::string& content) {
  return key(1, WireType::fixed64) + raw(unix_seconds) + key(2, WireType::varint) +
         varint(static_cast<std::uint64_t>(step)) + content;
}

fs::path new_file(const fs::path& run_dir) {
  fs::create_directories(run_dir / "tb");
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  const auto seconds = static_cast<long long>(unix_seconds());
  return run_dir / "tb" /
         ("events.out.tfevents." + std::to_string(seconds) + "." + host + "." +
          std::to_string(::getpid()));
}

}  // namespace

std::uint32_t crc32c(std::string_view bytes) {
  static constexpr auto kTable = make_table();
  std::uint32_t crc = 0xffffffff;
  for (const char byte : bytes) {
    crc = (crc >> 8) ^ kTable[(crc ^ static_cast<std::uint8_t>(byte)) & 0xff];
  }
  return ~crc;
}

std::string tf_record(std::string_view bytes) {
  const auto masked = [](std::string_view part) {
    return std::rotr(crc32c(part), 15) + kMaskDelta;
  };
  const std::string length = raw(static_cast<std::uint64_t>(bytes.size()));
  return length + raw(masked(length)) + std::string(bytes) + raw(masked(bytes));
}

TensorBoardFile::TensorBoardFile(const fs::path& run_dir, std::optional<std::int64_t> resume_step)
    : file_(File::open_to_append(new_file(run_dir))) {
  const double now = unix_seconds();
  std::string start = tf_record(event(now, 0, bytes_field(3, "brain.Event:2")));
  if (resume_step) {
    const std::string session_start = key(1, WireType::varint) + varint(1);  // SessionLog.START
    start += tf_record(event(now, *resume_step, bytes_field(7, session_start)));
  }
  file_.append(start);
}

void TensorBoardFile::write(const StepMetrics& metrics, double unix_seconds) {
  std::string summary;
  for (const auto& [name, value] : metrics.values()) {
    if (!std::isfinite(value)) continue;
    summary += bytes_field(
        1, bytes_field(1, name) + key(2, WireType::fixed32) + raw(static_cast<float>(value)));
  }
  file_.append(tf_record(event(unix_seconds, metrics.step(), bytes_field(5, summary))));
}

}  // namespace spillway::trainer
