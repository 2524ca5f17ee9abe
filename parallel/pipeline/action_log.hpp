#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace spillway::pipeline {

/// What a rank does now, and what it did last. One thread writes, any may ask.
///
/// The last kLines entries, with their time, stand in a file at any moment, the newest last: the
/// file is mapped memory, so that they are there whatever ends the process, kill -9 included. An
/// entry costs about 0.3 us, with or without a file.
class ActionLog {
 public:
  static constexpr std::size_t kLines = 64;
  static constexpr std::size_t kLineBytes = 96;  ///< longer entries are cut

  enum class Kind : std::uint8_t { rests, works, waits };
  struct Standing {
    std::uint64_t number = 0;  ///< of the entry: another number is another entry
    Kind kind = Kind::rests;
    std::string what;
  };

  /// From now on entries go to `file` too, behind what stands there of an earlier run. Throws
  /// Error(fault) when the file cannot be made or the disk has no room for it.
  void open(const std::filesystem::path& file);

  /// Begins "2F3", "checkpoint".
  void works(std::string_view what) { enter(Kind::works, what); }
  /// Begins to wait for "2RECV_F3 from rank 1".
  void waits(std::string_view what) { enter(Kind::waits, what); }
  /// Nothing is under way that could take too long.
  void rests() { enter(Kind::rests, ""); }

  Standing standing() const;

 private:
  struct Unmap {
    void operator()(char* lines) const noexcept;
  };

  void enter(Kind kind, std::string_view what);
  void write_line(Kind kind, std::string_view what);

  mutable std::mutex mutex_;
  Standing standing_;
  std::unique_ptr<char, Unmap> lines_;
};

/// "2024-01-31T12:34:56.789012Z".
std::string utc_text(std::chrono::system_clock::time_point time);

}  // namespace spillway::pipeline
