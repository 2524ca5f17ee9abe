#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace spillway::trainer {

/// Owns one POSIX file descriptor. Every failure throws Error(fault) with the operation, the path
/// and errno's text. Move-only; the destructor closes without a word, so whoever cares about the
/// bytes calls sync() first.
class File {
 public:
  static File open_to_read(const std::filesystem::path& path);
  static File open_to_write(
      const std::filesystem::path& path);  ///< made when missing, never emptied
  static File open_to_append(const std::filesystem::path& path);  ///< made when missing
  /// Opens a folder, for sync().
  static File open_folder(const std::filesystem::path& path);
  File(File&& other) noexcept
      : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}
  File& operator=(File&& other) noexcept {
    std::swap(path_, other.path_);
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File();

  std::uint64_t size() const;
  /// Fills `out` from byte `offset` on; a file that ends before is a failure.
  void read_at(std::uint64_t offset, std::span<std::byte> out) const;
  void write_at(std::uint64_t offset, std::span<const std::byte> bytes);
  /// One write call, so that a line is in the file whole or not at all unless the disk is full.
  void append(std::string_view text);
  void resize(std::uint64_t bytes);
  /// Takes the disk space of bytes [0, size) now, where the file system can, so that a full disk is
  /// met before any byte moves.
  void allocate(std::uint64_t bytes);
  void sync();

 private:
  File(std::filesystem::path path, int flags);
  [[noreturn]] void fail_here(const char* operation) const;
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// Throws Error(fault): "OPERATION PATH: errno's text (number)".
[[noreturn]] void fail_errno(const char* operation, const std::filesystem::path& path);

/// Writes a file that is on disk, content and name, when this returns; a reader sees the old
/// content or the new, nothing between.
void write_file_durably(const std::filesystem::path& path, std::string_view text);
std::string read_text(const std::filesystem::path& path);

/// Gives the folder `from` the name `to` in one step and syncs their common parent. An existing
/// `to` changes places with `from` and is then removed.
void publish_folder(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace spillway::trainer
