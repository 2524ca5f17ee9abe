#include "trainer/checkpoint/durable_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "configs/error.hpp"

namespace spillway::trainer {

namespace fs = std::filesystem;

void fail_errno(const char* operation, const fs::path& path) {
  const int number = errno;
  fail(std::string(operation) + " " + path.string() + ": " + std::strerror(number) + " (errno " +
       std::to_string(number) + ")");
}

File::File(fs::path path, int flags)
    : path_(std::move(path)), descriptor_(::open(path_.c_str(), flags | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) fail_here("open");
}

File File::open_to_read(const fs::path& path) { return {path, O_RDONLY}; }
File File::open_to_write(const fs::path& path) { return {path, O_RDWR | O_CREAT}; }
File File::open_to_append(const fs::path& path) { return {path, O_RDWR | O_CREAT | O_APPEND}; }
File File::open_folder(const fs::path& path) { return {path, O_RDONLY | O_DIRECTORY}; }

File::~File() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void File::fail_here(const char* operation) const { fail_errno(operation, path_); }

std::uint64_t File::size() const {
  struct stat status {};
  if (::fstat(descriptor_, &status) != 0) fail_here("stat");
  return static_cast<std::uint64_t>(status.st_size);
}

void File::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  while (!out.empty()) {
    const ssize_t got = ::pread(descriptor_, out.data(), out.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) fail_here("read");
    if (got == 0) {
      fail("read " + path_.string() + ": it ends at byte " + std::to_string(offset) + ", " +
           std::to_string(out.size()) + " bytes early");
    }
    offset += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
}

void File::write_at(std::uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put =
        ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail_here("write");
    offset += static_cast<std::uint64_t>(put);
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

void File::append(std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = ::write(descriptor_, text.data(), text.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail_here("write");
    text.remove_prefix(static_cast<std::size_t>(put));
  }
}

void File::resize(std::uint64_t bytes) {
  if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) fail_here("resize");
}

void File::allocate(std::uint64_t bytes) {
  if (bytes == 0) return;
  while (::fallocate(descriptor_, 0, 0, static_cast<off_t>(bytes)) != 0) {
    if (errno == EINTR) continue;
    if (errno == EOPNOTSUPP || errno == ENOSYS) return;
    fail_here("write");
  }
}

void File::sync() {
  if (::fsync(descriptor_) != 0) fail_here("fsync");
}

void write_file_durably(const fs::path& path, std::string_view text) {
  const fs::path unfinished = path.string() + ".tmp";
  {
    File file = File::open_to_write(unfinished);
    file.resize(0);
    file.append(text);
    file.sync();
  }
  if (::rename(unfinished.c_str(), path.c_str()) != 0) fail_errno("rename", unfinished);
  File::open_folder(path.has_parent_path() ? path.parent_path() : ".").sync();
}

std::string read_text(const fs::path& path) {
  const File file = File::open_to_read(path);
  std::string text(file.size(), '\0');
  file.read_at(0, std::as_writable_bytes(std::span(text)));
  return text;
}

void publish_folder(const fs::path& from, const fs::path& to) {
  if (!fs::exists(to)) {
    if (::rename(from.c_str(), to.c_str()) != 0) fail_errno("rename", from);
  } else if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) {
    std::error_code ignored;  // a left-over .tmp folder; the next save removes it
    fs::remove_all(from, ignored);
  } else {
    // A file system without exchange: for a moment there is neither, and the older checkpoints
    // stand.
    const fs::path aside = to.string() + ".replaced.tmp";
    fs::remove_all(aside);
    if (::rename(to.c_str(), aside.c_str()) != 0) fail_errno("rename", to);
    if (::rename(from.c_str(), to.c_str()) != 0) fail_errno("rename", from);
    fs::remove_all(aside);
  }
  File::open_folder(to.parent_path()).sync();
}

}  // namespace spillway::trainer
