#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>

#include "trainer/checkpoint/durable_file.hpp"

namespace spillway::trainer {

/// A file of one JSON object a line that only ever grows. A line goes to the operating system in
/// one write, so it outlives a crash of the process. A line torn earlier (a killed machine, a full
/// disk) is closed off before the next one: readers skip lines that are not JSON and lose nothing
/// else.
class JsonLines {
 public:
  /// Opens for appending; made when missing. Throws Error(fault).
  explicit JsonLines(const std::filesystem::path& path);
  /// Numbers that are not finite become null, JSON having none. Throws Error(fault) naming the
  /// file.
  void append(const nlohmann::ordered_json& object);

 private:
  File file_;
  bool torn_;  ///< whether the file ends inside a line
};

}  // namespace spillway::trainer
