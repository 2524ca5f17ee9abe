#include "data/corpus/checksum.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "configs/error.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace spillway::data {

std::uint64_t checksum(const void* bytes, std::size_t count, std::uint64_t seed) {
  return XXH3_64bits_withSeed(bytes, count, seed);
}

std::uint64_t file_checksum(const std::filesystem::path& path) {
  constexpr std::size_t kBlock = std::size_t{4} << 20;
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) fail(path.string() + ": cannot be read (" + std::strerror(errno) + ")");
  const std::unique_ptr<XXH3_state_t, int (*)(XXH3_state_t*)> state(
      XXH3_createState(), [](XXH3_state_t* s) { return static_cast<int>(XXH3_freeState(s)); });
  XXH3_64bits_reset(state.get());
  const auto block = std::make_unique_for_overwrite<char[]>(kBlock);
  ssize_t count = 0;
  while ((count = ::read(file, block.get(), kBlock)) > 0) {
    XXH3_64bits_update(state.get(), block.get(), static_cast<std::size_t>(count));
  }
  const int error = errno;
  ::close(file);
  if (count < 0) fail(path.string() + ": cannot be read (" + std::strerror(error) + ")");
  return XXH3_64bits_digest(state.get());
}

std::string to_hex(std::uint64_t value) {
  std::string text(16, '0');
  for (std::size_t i = 16; i-- > 0; value >>= 4) text[i] = "0123456789abcdef"[value & 15];
  return text;
}

}  // namespace spillway::data
