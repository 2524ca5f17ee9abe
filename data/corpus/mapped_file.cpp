#include "data/corpus/mapped_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "configs/error.hpp"

namespace spillway::data {

MappedFile::MappedFile(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail_input(path.string() + ": cannot be opened (" + std::strerror(errno) + ")");
  struct stat status {};
  void* begin = MAP_FAILED;
  if (::fstat(file, &status) == 0 && status.st_size > 0) {
    begin =
        ::mmap(nullptr, static_cast<std::size_t>(status.st_size), PROT_READ, MAP_SHARED, file, 0);
  }
  const int error = errno;
  ::close(file);
  if (status.st_size == 0) return;
  if (begin == MAP_FAILED)
    fail(path.string() + ": cannot be mapped (" + std::strerror(error) + ")");
  begin_ = static_cast<const std::byte*>(begin);
  size_ = static_cast<std::size_t>(status.st_size);
}

MappedFile::~MappedFile() {
  if (begin_) ::munmap(const_cast<std::byte*>(begin_), size_);
}

void sync_to_disk(const std::filesystem::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0)
    fail(path.string() + ": cannot be opened to sync it (" + std::strerror(errno) + ")");
  const int result = ::fsync(file);
  const int error = errno;
  ::close(file);
  if (result != 0)
    fail(path.string() + ": cannot be synced to disk (" + std::strerror(error) + ")");
}

}  // namespace spillway::data
