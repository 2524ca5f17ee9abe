#include "data/mutate/statements.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "data/mutate/characters.hpp"
#include "data/mutate/graphemes.hpp"
#include "data/mutate/word_lists.hpp"

namespace spillway::data {
namespace {

std::string with(std::string_view text, Span place, std::string_view replacement) {
  return std::string(text.substr(0, place.begin))
      .append(replacement)
      .append(text.substr(place.end));
}

std::optional<std::string> rewrite_one(std::string_view sentence, const PhraseTable& table,
                                       RandomKey& key) {
  const std::vector<Match> places = table.find(sentence);
  if (places.empty()) return std::nullopt;
  const Match& match = places[key.below(places.size())];
  return with(sentence, match.place, choose_alternative(sentence, match, key));
}

bool is_content_word(std::string_view word) {
  return word.size() >= 4 && std::ranges::all_of(word, [](char c) { return c >= 'a' && c <= 'z'; });
}

/// Pairs of Han characters of `text` in `range`, side by side without overlap.
void collect_han_pairs(std::string_view text, Span range, std::vector<Span>& places) {
  std::size_t at = range.begin;
  while (at + 6 <= range.end) {
    if (static_cast<unsigned char>(text[at]) < 0xE0) {
      ++at;
      continue;
    }
    const Character first = character_at(text, at);
    const std::size_t middle = at + first.bytes;
    const Character second =
        is_han(first.value) && middle < range.end ? character_at(text, middle) : Character{};
    const std::size_t end = middle + second.bytes;
    const bool pair = is_han(second.value) && end <= range.end && is_clean_cut(text, at) &&
                      is_clean_cut(text, end);
    if (pair) places.push_back({static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end)});
    at = pair ? end : middle;
  }
}

}  // namespace

std::string other_number(std::string_view digits, RandomKey& key) {
  std::uint64_t number = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const std::uint64_t step = 1 + key.below(std::max<std::uint64_t>(9, number / 2));
  return std::to_string(number > step && key.below(2) ? number - step : number + step);
}

std::optional<std::string> negated(std::string_view sentence, RandomKey& key) {
  return rewrite_one(sentence, negations(), key);
}

std::optional<std::string> renumbered(std::string_view sentence, RandomKey& key) {
  const std::vector<Span> places = plain_numbers(sentence);
  if (places.empty()) return std::nullopt;
  const Span place = places[key.below(places.size())];
  return with(sentence, place, other_number(place.in(sentence), key));
}

std::optional<std::string> contradicted(std::string_view sentence, RandomKey& key) {
  static const std::array<const PhraseTable*, 4> kTables{&negations(), &antonyms(),
                                                         &quantifier_flips(), &order_flips()};
  const std::uint64_t first = key.below(kTables.size() + 1);
  for (std::uint64_t i = 0; i <= kTables.size(); ++i) {
    const std::uint64_t kind = (first + i) % (kTables.size() + 1);
    auto changed = kind == kTables.size() ? renumbered(sentence, key)
                                          : rewrite_one(sentence, *kTables[kind], key);
    if (changed) return changed;
  }
  return std::nullopt;
}

std::vector<Span> content_words(std::string_view text, Span range) {
  std::vector<Span> places;
  WordScanner scanner(text.substr(0, range.end));
  for (Span word; scanner.next(word);) {
    if (word.begin >= range.begin && is_content_word(word.in(text)) && is_clean_cut(text, word.end))
      places.push_back(word);
  }
  collect_han_pairs(text, range, places);
  return places;
}

std::optional<std::string> reworded(std::string_view text, Span sentence, RandomKey& key) {
  if (auto denial = contradicted(sentence.in(text), key)) return denial;
  const std::vector<Span> own = content_words(text, sentence);
  if (own.empty()) return std::nullopt;
  const Span word = own[key.below(own.size())];
  const std::vector<Span> others =
      content_words(text, {0, static_cast<std::uint32_t>(text.size())});
  const std::uint64_t first = key.below(others.size());
  for (std::size_t i = 0; i < others.size(); ++i) {
    const std::string_view other = others[(first + i) % others.size()].in(text);
    if (other == word.in(text)) continue;
    return with(sentence.in(text), {word.begin - sentence.begin, word.end - sentence.begin}, other);
  }
  return std::nullopt;
}

std::string_view sentence_gap(std::string_view sentence) {
  return !sentence.empty() && static_cast<unsigned char>(sentence.back()) >= 0x80 ? "" : " ";
}

}  // namespace spillway::data
