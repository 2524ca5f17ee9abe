#include "trainer/checkpoint/checksum.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <vector>

#include "trainer/checkpoint/durable_file.hpp"

namespace spillway::trainer {
namespace {

constexpr std::uint64_t kPiece = std::uint64_t{4} << 20;

std::string digits(XXH64_hash_t value) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(value));
  return text;
}

struct FreeState {
  void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
};

}  // namespace

std::string checksum(std::span<const std::byte> bytes) {
  return digits(XXH3_64bits(bytes.data(), bytes.size()));
}

std::string checksum(std::string_view text) { return checksum(std::as_bytes(std::span(text))); }

std::string file_checksum(const std::filesystem::path& path) {
  const std::unique_ptr<XXH3_state_t, FreeState> state(XXH3_createState());
  XXH3_64bits_reset(state.get());
  const File file = File::open_to_read(path);
  const std::uint64_t size = file.size();
  std::vector<std::byte> piece(std::min(kPiece, size));
  for (std::uint64_t at = 0; at < size; at += kPiece) {
    const std::span<std::byte> part(piece.data(), std::min(kPiece, size - at));
    file.read_at(at, part);
    XXH3_64bits_update(state.get(), part.data(), part.size());
  }
  return digits(XXH3_64bits_digest(state.get()));
}

}  // namespace spillway::trainer
