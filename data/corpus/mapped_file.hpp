#pragma once

#include <cstddef>
#include <filesystem>
#include <utility>

namespace spillway::data {

/// A whole file mapped read-only. Move-only. Throws Error(input) when it cannot be opened.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const std::filesystem::path& path);
  MappedFile(MappedFile&& other) noexcept
      : begin_(std::exchange(other.begin_, nullptr)), size_(std::exchange(other.size_, 0)) {}
  MappedFile& operator=(MappedFile&& other) noexcept {
    std::swap(begin_, other.begin_);
    std::swap(size_, other.size_);
    return *this;
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  const std::byte* data() const { return begin_; }
  std::size_t size() const { return size_; }

 private:
  const std::byte* begin_ = nullptr;
  std::size_t size_ = 0;
};

/// Writes a file's or folder's content to the disk. Throws Error(fault).
void sync_to_disk(const std::filesystem::path& path);

}  // namespace spillway::data
