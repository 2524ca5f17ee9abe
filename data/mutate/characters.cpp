#include "data/mutate/characters.hpp"

#include <unicode/utf8.h>

namespace spillway::data {

void append_utf8(std::string& text, char32_t code_point) {
  std::uint8_t bytes[U8_MAX_LENGTH];
  std::size_t length = 0;
  U8_APPEND_UNSAFE(bytes, length, static_cast<UChar32>(code_point));
  text.append(reinterpret_cast<const char*>(bytes), length);
}

Character character_at(std::string_view text, std::size_t at) {
  const CodePoint point = code_point_at(text, at);
  if (point.length == 0) return {0xFFFD, 1};
  return {point.value, static_cast<std::uint32_t>(point.length)};
}

Character character_before(std::string_view text, std::size_t end) {
  std::size_t begin = end - 1;
  while (begin > 0 && end - begin < 4 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80)
    --begin;
  const Character c = character_at(text, begin);
  return begin + c.bytes == end ? c : Character{0xFFFD, 1};
}

}  // namespace spillway::data
