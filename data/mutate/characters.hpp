#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "data/source/utf8.hpp"

namespace spillway::data {

/// Appends `code_point` to `text`.
void append_utf8(std::string& text, char32_t code_point);

/// The code point at byte `at` and its length in bytes. A byte that starts no well-formed sequence
/// comes back as U+FFFD of length 1.
struct Character {
  char32_t value = 0;
  std::uint32_t bytes = 0;
};
Character character_at(std::string_view text, std::size_t at);

/// The code point that ends just before byte `end` (> 0); {U+FFFD, 1} for a malformed one.
Character character_before(std::string_view text, std::size_t end);

/// A CJK ideograph (Unicode blocks of unified and compatibility ideographs).
constexpr bool is_han(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
         (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x20000 && c <= 0x323AF);
}

}  // namespace spillway::data
