#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "data/corpus/sample.hpp"

namespace spillway::data {

/// Bytes [begin, end) of a text.
struct Span {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  std::string_view in(std::string_view text) const { return text.substr(begin, end - begin); }
  std::uint32_t size() const { return end - begin; }
};

/// Steps through the English words of running prose: ASCII letters with inner apostrophes
/// ("doesn't") between blanks, brackets, quotes and sentence punctuation. Identifiers, paths,
/// options, abbreviations with dots ("foo_bar", "a/b", "--x", "e.g.") are no words here, and
/// neither is a word that a combining mark touches.
class WordScanner {
 public:
  explicit WordScanner(std::string_view text) : text_(text) {}
  bool next(Span& word);

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

/// Whether a word of running prose may end at byte `at`.
bool closes_word(std::string_view text, std::size_t at);

/// All words that WordScanner finds.
std::vector<Span> words(std::string_view text);

/// Sentences of at least `least` bytes without surrounding blanks: they end in . ! ? before a blank
/// (not after a one-letter word) or in 。！？, or at an empty line. English ones start with a
/// capital letter; others with a Han character.
std::vector<Span> sentences(std::string_view text, std::size_t least = 8);

/// The sentences that lie inside one turn (all for a sample without turns).
std::vector<Span> sentences_in_turns(const Sample& sample, std::size_t least = 8);

/// Decimal numbers standing alone (no digit, letter, point, sign, slash, colon or underscore beside
/// them), at most nine digits, no leading zero.
std::vector<Span> plain_numbers(std::string_view text);

/// Asks, for places in ascending order, whether each lies inside one turn of the sample; always
/// true for a sample without turns.
class TurnCursor {
 public:
  explicit TurnCursor(const Sample& sample) : turns_(sample.turns) {}
  bool covers(std::size_t begin, std::size_t end);

 private:
  const std::vector<Turn>& turns_;
  std::size_t turn_ = 0;
};

constexpr bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\t' || c == '\r'; }

}  // namespace spillway::data
