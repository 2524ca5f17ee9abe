#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "trainer/checkpoint/durable_file.hpp"
#include "trainer/observe/metrics.hpp"

namespace spillway::trainer {

/// Scalars for TensorBoard: a file of TFRecords (length, masked CRC32C, bytes, masked CRC32C), each
/// an Event message (tensorflow/core/util/event.proto), written by hand: it needs five fields of
/// it. Every start makes a file of its own; TensorBoard merges them. One write a step.
class TensorBoardFile {
 public:
  /// RUN/tb/events.out.tfevents.TIME.HOST.PID. `resume_step`: a resumed run's first step, which
  /// makes TensorBoard drop what a killed run showed from there on.
  TensorBoardFile(const std::filesystem::path& run_dir, std::optional<std::int64_t> resume_step);
  /// Values that are not finite are left out.
  void write(const StepMetrics& metrics, double unix_seconds);

 private:
  File file_;
};

/// CRC-32C (Castagnoli), RFC 3720 appendix B.4.
std::uint32_t crc32c(std::string_view bytes);

/// A TFRecord around `bytes`.
std::string tf_record(std::string_view bytes);

}  // namespace spillway::trainer
