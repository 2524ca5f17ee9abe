#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace spillway::data {

/// XXH3-64 of bytes.
std::uint64_t checksum(const void* bytes, std::size_t count, std::uint64_t seed = 0);
inline std::uint64_t checksum(std::string_view text, std::uint64_t seed = 0) {
  return checksum(text.data(), text.size(), seed);
}
template <class T>
std::uint64_t checksum(std::span<const T> values, std::uint64_t seed = 0) {
  return checksum(values.data(), values.size_bytes(), seed);
}

/// XXH3-64 of a whole file, read in blocks of 4 MiB. Throws Error(fault) when it cannot be read.
std::uint64_t file_checksum(const std::filesystem::path& path);

/// 16 lower-case hexadecimal digits.
std::string to_hex(std::uint64_t value);

}  // namespace spillway::data
