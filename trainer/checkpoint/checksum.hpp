#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace spillway::trainer {

/// XXH3, 64 bits, as 16 hexadecimal digits: finds damage, not malice.
/// https://github.com/Cyan4973/xxHash
std::string checksum(std::span<const std::byte> bytes);
std::string checksum(std::string_view text);
/// Of a whole file, read in pieces. Throws Error(fault) when it cannot be read.
std::string file_checksum(const std::filesystem::path& path);

}  // namespace spillway::trainer
