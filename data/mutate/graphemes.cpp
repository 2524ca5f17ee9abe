#include "data/mutate/graphemes.hpp"

#include <unicode/uchar.h>

#include <algorithm>

#include "data/mutate/characters.hpp"

namespace spillway::data {
namespace {

int cluster_class(char32_t c) {
  return u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_GRAPHEME_CLUSTER_BREAK);
}

bool is_control(int cluster) {
  return cluster == U_GCB_CONTROL || cluster == U_GCB_CR || cluster == U_GCB_LF;
}

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

/// Characters that never join a neighbour of this kind: printable ASCII, ideographs, full-width
/// forms and CJK punctuation. They need no look into the tables.
bool is_plain(char32_t c) {
  return (c >= 0x20 && c < 0x7F) || (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0xFF01 && c <= 0xFF5E) ||
         (c >= 0x3001 && c <= 0x3029);
}

bool is_pictograph(char32_t c) {
  return u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_EXTENDED_PICTOGRAPHIC);
}

/// Rules GB6 to GB8: Hangul syllables.
bool joins_hangul(int before, int after) {
  if (before == U_GCB_L) {
    return after == U_GCB_L || after == U_GCB_V || after == U_GCB_LV || after == U_GCB_LVT;
  }
  if (before == U_GCB_LV || before == U_GCB_V) return after == U_GCB_V || after == U_GCB_T;
  return (before == U_GCB_LVT || before == U_GCB_T) && after == U_GCB_T;
}

/// Rule GB11: whether the text that ends with the joiner before byte `at` is a pictograph,
/// extending marks, joiner.
bool ends_emoji_sequence(std::string_view text, std::size_t at) {
  at -= character_before(text, at).bytes;
  while (at > 0) {
    const Character c = character_before(text, at);
    if (is_pictograph(c.value)) return true;
    if (cluster_class(c.value) != U_GCB_EXTEND) return false;
    at -= c.bytes;
  }
  return false;
}

/// Rules GB12 and GB13: regional indicators pair from the left.
bool odd_regional_indicators(std::string_view text, std::size_t at) {
  bool odd = false;
  while (at > 0) {
    const Character c = character_before(text, at);
    if (cluster_class(c.value) != U_GCB_REGIONAL_INDICATOR) break;
    odd = !odd;
    at -= c.bytes;
  }
  return odd;
}

/// Whether byte `at` lies inside a well-formed sequence.
bool inside_sequence(std::string_view text, std::size_t at) {
  if (at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80) return false;
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, at); ++back) {
    if ((static_cast<unsigned char>(text[at - back]) & 0xC0) == 0x80) continue;
    return character_at(text, at - back).bytes > back;
  }
  return false;
}

}  // namespace

bool is_grapheme_boundary(std::string_view text, std::size_t at) {
  if (at == 0 || at >= text.size()) return at == 0 || at == text.size();
  if (is_ascii(text[at]) && is_ascii(text[at - 1])) return text[at] != '\n' || text[at - 1] != '\r';
  if (inside_sequence(text, at)) return false;
  const char32_t left = character_before(text, at).value, right = character_at(text, at).value;
  if (is_plain(left) && is_plain(right)) return true;
  const int before = cluster_class(left), after = cluster_class(right);
  if (is_control(before) || is_control(after)) return true;
  if (joins_hangul(before, after)) return false;
  if (after == U_GCB_EXTEND || after == U_GCB_ZWJ || after == U_GCB_SPACING_MARK) return false;
  if (before == U_GCB_PREPEND) return false;
  if (before == U_GCB_ZWJ && is_pictograph(right)) return !ends_emoji_sequence(text, at);
  if (before == U_GCB_REGIONAL_INDICATOR && after == U_GCB_REGIONAL_INDICATOR) {
    return !odd_regional_indicators(text, at);
  }
  return true;
}

bool is_clean_cut(std::string_view text, std::size_t at) {
  if (!is_grapheme_boundary(text, at)) return false;
  const char32_t right =
      at < text.size() && !is_ascii(text[at]) ? character_at(text, at).value : U' ';
  if (!is_plain(right)) {
    const int after = cluster_class(right);
    if (after == U_GCB_EXTEND || after == U_GCB_ZWJ || after == U_GCB_SPACING_MARK) return false;
  }
  if (at == 0 || is_ascii(text[at - 1])) return at == 0 || text[at - 1] != '\r';
  const char32_t left = character_before(text, at).value;
  return is_plain(left) || cluster_class(left) != U_GCB_PREPEND;
}

std::size_t next_clean_cut(std::string_view text, std::size_t at) {
  while (at < text.size() && !is_clean_cut(text, at)) ++at;
  return std::min(at, text.size());
}

}  // namespace spillway::data
