#pragma once

#include <cstddef>
#include <string_view>

namespace spillway::data {

/// One code point read from text.
struct CodePoint {
  char32_t value = 0;
  std::size_t length = 0;  ///< bytes; 0 at a malformed sequence (RFC 3629: overlong, surrogate,
                           ///< beyond U+10FFFF, cut off)
};

/// The code point at byte `at` < text.size().
CodePoint code_point_at(std::string_view text, std::size_t at);

bool is_utf8(std::string_view text);

/// The largest code point boundary <= `at`.
std::size_t boundary_before(std::string_view text, std::size_t at);

}  // namespace spillway::data
