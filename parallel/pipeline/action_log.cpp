#include "parallel/pipeline/action_log.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "configs/error.hpp"

namespace spillway::pipeline {
namespace {

constexpr std::size_t kBytes = ActionLog::kLines * ActionLog::kLineBytes;

/// Owns a file descriptor.
class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  int get() const { return number_; }

 private:
  int number_;
};

[[noreturn]] void complain(const std::filesystem::path& file, int error) {
  fail("the log " + file.string() + " cannot be written: " + std::strerror(error));
}

/// Writes `value` with `digits` digits and moves behind it.
char* put(char* at, long value, int digits) {
  for (int i = digits - 1; i >= 0; --i, value /= 10) at[i] = static_cast<char>('0' + value % 10);
  return at + digits;
}

}  // namespace

std::string utc_text(std::chrono::system_clock::time_point time) {
  const auto since_1970 =
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count();
  const std::time_t second = since_1970 / 1'000'000;
  std::tm parts{};
  gmtime_r(&second, &parts);
  std::string text = "0000-00-00T00:00:00.000000Z";
  char* at = put(text.data(), parts.tm_year + 1900, 4) + 1;
  for (const int part :
       {parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec}) {
    at = put(at, part, 2) + 1;
  }
  put(at, since_1970 % 1'000'000, 6);
  return text;
}

void ActionLog::Unmap::operator()(char* lines) const noexcept { munmap(lines, kBytes); }

void ActionLog::open(const std::filesystem::path& file) {
  std::error_code error;
  if (file.has_parent_path()) std::filesystem::create_directories(file.parent_path(), error);
  const Descriptor descriptor(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (descriptor.get() < 0) complain(file, errno);
  const off_t before = lseek(descriptor.get(), 0, SEEK_END);
  // Room is reserved first: storing to a mapped page that the disk has no room for kills.
  if (const int code = posix_fallocate(descriptor.get(), 0, kBytes); code != 0)
    complain(file, code);
  void* mapped = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor.get(), 0);
  if (mapped == MAP_FAILED) complain(file, errno);
  const std::lock_guard lock(mutex_);
  lines_.reset(static_cast<char*>(mapped));
  if (before == static_cast<off_t>(kBytes)) return;
  std::memset(lines_.get(), ' ', kBytes);
  for (std::size_t end = kLineBytes; end <= kBytes; end += kLineBytes) lines_.get()[end - 1] = '\n';
}

ActionLog::Standing ActionLog::standing() const {
  const std::lock_guard lock(mutex_);
  return standing_;
}

void ActionLog::enter(Kind kind, std::string_view what) {
  const std::lock_guard lock(mutex_);
  ++standing_.number;
  standing_.kind = kind;
  standing_.what = what;
  if (lines_ && kind != Kind::rests) write_line(kind, what);
}

void ActionLog::write_line(Kind kind, std::string_view what) {
  std::string line = utc_text(std::chrono::system_clock::now());
  line += kind == Kind::waits ? "  waits for " : "  ";
  line += what;
  line.resize(kLineBytes - 1, ' ');
  line += '\n';
  std::memmove(lines_.get(), lines_.get() + kLineBytes, kBytes - kLineBytes);
  std::memcpy(lines_.get() + kBytes - kLineBytes, line.data(), kLineBytes);
}

}  // namespace spillway::pipeline
