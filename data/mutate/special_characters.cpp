// Special characters: what is invisible, looks alike, reorders, stacks, controls or commands.
#include <algorithm>
#include <array>

#include "data/mutate/categories.hpp"
#include "data/mutate/character_edit.hpp"
#include "data/mutate/character_lists.hpp"
#include "data/mutate/characters.hpp"
#include "data/mutate/edit_builder.hpp"
#include "data/mutate/graphemes.hpp"
#include "data/mutate/words.hpp"

namespace spillway::data {
namespace {

template <std::size_t N>
char32_t draw(const std::array<char32_t, N>& list, RandomKey& key) {
  return list[key.below(N)];
}

bool insert_zero_width(std::string_view, std::size_t, RandomKey& key, CharacterChange& change) {
  static constexpr std::array<char32_t, 6> kInvisible{0x200B, 0x200C, 0x200D,
                                                      0x2060, 0xFEFF, 0x00AD};
  append_utf8(change.text, draw(kInvisible, key));
  return true;
}

bool insert_control(std::string_view text, std::size_t at, RandomKey& key,
                    CharacterChange& change) {
  static constexpr std::array<char32_t, 12> kControls{0x00, 0x01, 0x04, 0x07, 0x08, 0x0B,
                                                      0x0C, 0x1A, 0x1B, 0x7F, 0x85, 0x9B};
  if (!is_clean_cut(text, at)) return false;
  append_utf8(change.text, draw(kControls, key));
  return true;
}

bool replace_by_lookalike(std::string_view text, std::size_t at, RandomKey& key,
                          CharacterChange& change) {
  const Character c = character_at(text, at);
  const std::u32string_view twins = lookalikes(c.value);
  if (twins.empty() || !is_grapheme_boundary(text, at + c.bytes)) return false;
  append_utf8(change.text, twins[key.below(twins.size())]);
  change.end = at + c.bytes;
  return true;
}

bool stack_marks(std::string_view text, std::size_t at, RandomKey& key, CharacterChange& change) {
  const Character c = character_at(text, at);
  const bool letter = c.bytes == 1 ? is_ascii_letter(text[at]) : is_han(c.value);
  if (!letter || !is_grapheme_boundary(text, at + c.bytes)) return false;
  change.end = at + c.bytes;
  change.text = text.substr(at, c.bytes);
  for (std::uint64_t left = 2 + key.below(8); left > 0; --left) {
    append_utf8(change.text, static_cast<char32_t>(0x0300 + key.below(0x34)));
  }
  return true;
}

bool widen(std::string_view text, std::size_t at, RandomKey&, CharacterChange& change) {
  const char c = text[at];
  if (c < '!' || c > '~' || !is_grapheme_boundary(text, at + 1)) return false;
  append_utf8(change.text, static_cast<char32_t>(0xFF01 + (c - '!')));
  change.end = at + 1;
  return true;
}

bool replace_blank(std::string_view text, std::size_t at, RandomKey& key, CharacterChange& change) {
  static constexpr std::array<char32_t, 8> kBlanks{0x00A0, 0x1680, 0x2003, 0x2007,
                                                   0x2009, 0x202F, 0x205F, 0x3000};
  if (text[at] != ' ' || !is_grapheme_boundary(text, at + 1)) return false;
  append_utf8(change.text, draw(kBlanks, key));
  change.end = at + 1;
  return true;
}

bool insert_malformed(std::string_view, std::size_t, RandomKey& key, CharacterChange& change) {
  // A lone continuation, an overlong slash, a surrogate, a cut three-byte lead, a value over
  // U+10FFFF, a byte that is never used.
  static constexpr std::array<std::string_view, 6> kMalformed{
      "\x80", "\xC0\xAF", "\xED\xA0\x80", "\xE4\xB8", "\xF4\x90\x80\x80", "\xFF"};
  change.text = kMalformed[key.below(kMalformed.size())];
  return true;
}

std::string draw_chat_marker(RandomKey& key) {
  const auto list = chat_markers();
  return std::string(list[key.below(list.size())]);
}

std::string draw_payload(RandomKey& key) {
  const auto list = payloads();
  return std::string(list[key.below(list.size())]);
}

/// A command spelled in tag characters (U+E0020 to U+E007E), which no font shows.
std::string draw_hidden_command(RandomKey& key) {
  const auto list = override_sentences();
  std::string hidden;
  append_utf8(hidden, 0xE0001);
  for (const char c : list[key.below(list.size())])
    append_utf8(hidden, 0xE0000U + static_cast<unsigned char>(c));
  append_utf8(hidden, 0xE007F);
  return hidden;
}

/// Reorders what a reader sees by explicit directional formatting (UAX #9): 1 to 3 stretches of one
/// line between an opening and its closing character.
class BidiControls : public DescribedOperator {
 public:
  using DescribedOperator::DescribedOperator;
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool&) const override {
    RandomKey draws = stream(key);
    EditBuilder builder(sample);
    TurnCursor turns(sample);
    std::size_t from = 0;
    for (const std::size_t at : insertion_points(sample, 1 + draws.below(3), draws)) {
      const std::size_t end = stretch_end(sample.bytes, at, 8 + draws.below(33));
      if (at < from || end - at < 2 || !turns.covers(at, end)) continue;
      // Override and its end, isolate of an override and both ends.
      const bool isolate = draws.below(2) == 1;
      builder.insert(at, isolate ? "\u2067\u202E" : "\u202E");
      builder.insert(end, isolate ? "\u202C\u2069" : "\u202C");
      from = end + 1;
    }
    return std::move(builder).finish(*this, key, effect());
  }

 private:
  static std::size_t stretch_end(std::string_view text, std::size_t at, std::size_t length) {
    const std::size_t limit = std::min({text.size(), at + length, text.find('\n', at)});
    std::size_t end = limit;
    while (end > at && (!is_clean_cut(text, end) || is_blank(text[end - 1]))) --end;
    return end;
  }
};

/// The raw lane: leaves malformed UTF-8 behind.
class MalformedBytes : public CharacterEdit {
 public:
  using CharacterEdit::CharacterEdit;
  bool raw() const override { return true; }
};

constexpr OperatorInfo info(std::string_view name, std::string_view meaning,
                            LabelEffect effect = LabelEffect::preserve) {
  return {name, Category::special_characters, meaning, effect};
}

}  // namespace

OperatorList special_character_operators() {
  OperatorList list;
  const auto edit = [&](const OperatorInfo& about, CharacterEdit::Write write) {
    list.push_back(std::make_unique<CharacterEdit>(about, write));
  };
  edit(info("insert_zero_width", "zero-width characters between visible ones"), insert_zero_width);
  list.push_back(std::make_unique<BidiControls>(
      info("reorder_with_bidi", "directional overrides and isolates reverse what is seen")));
  edit(info("replace_by_lookalikes", "letters become look-alikes of other scripts or radicals"),
       replace_by_lookalike);
  edit(info("stack_marks", "2 to 9 combining marks on one character"), stack_marks);
  edit(info("insert_controls", "NUL, backspace, escape and other control characters"),
       insert_control);
  edit(info("widen_ascii", "ASCII characters become full-width forms"), widen);
  edit(info("exotic_blanks", "blanks become no-break, ideographic and other blanks"),
       replace_blank);
  list.push_back(std::make_unique<StringInsertion>(
      info("insert_chat_markers", "markers of chat formats as plain text"), 3, draw_chat_marker));
  list.push_back(std::make_unique<StringInsertion>(
      info("insert_payloads", "SQL, shell, printf, path, markup and number payloads"), 2,
      draw_payload));
  list.push_back(std::make_unique<StringInsertion>(
      info("hide_command_in_tags", "a command in invisible tag characters"), 1,
      draw_hidden_command));
  list.push_back(std::make_unique<MalformedBytes>(
      info("insert_malformed_bytes", "raw lane: bytes that are no UTF-8", LabelEffect::undefined),
      insert_malformed));
  return list;
}

}  // namespace spillway::data
