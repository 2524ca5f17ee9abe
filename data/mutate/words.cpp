#include "data/mutate/words.hpp"

#include <unicode/uchar.h>

#include <algorithm>
#include <array>

#include "data/mutate/characters.hpp"
#include "data/mutate/graphemes.hpp"

namespace spillway::data {
namespace {

enum Class : std::uint8_t { letter = 1, may_precede = 2, may_follow = 4, stop = 8 };

constexpr std::array<std::uint8_t, 256> kClasses = [] {
  std::array<std::uint8_t, 256> classes{};
  for (int c = 'a'; c <= 'z'; ++c) classes[static_cast<std::size_t>(c)] = letter;
  for (int c = 'A'; c <= 'Z'; ++c) classes[static_cast<std::size_t>(c)] = letter;
  for (const char c : std::string_view(" \t\n\r"))
    classes[static_cast<unsigned char>(c)] = may_precede | may_follow;
  for (const char c : std::string_view("(\"'[{*`"))
    classes[static_cast<unsigned char>(c)] |= may_precede;
  for (const char c : std::string_view(")\"']}*`"))
    classes[static_cast<unsigned char>(c)] |= may_follow;
  for (const char c : std::string_view(".,;:!?"))
    classes[static_cast<unsigned char>(c)] |= may_follow | stop;
  return classes;
}();

std::uint8_t class_of(char c) { return kClasses[static_cast<unsigned char>(c)]; }
bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }

/// Whether an English word may touch this non-ASCII character: Han, punctuation, symbols, but no
/// other letter and no mark.
bool may_touch_word(char32_t c) {
  constexpr std::uint32_t kLettersAndMarks = U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK;
  return is_han(c) || !(U_GET_GC_MASK(static_cast<UChar32>(c)) & kLettersAndMarks);
}

bool opens_word(std::string_view text, std::size_t at) {
  if (at == 0) return true;
  if (is_ascii(text[at - 1])) return class_of(text[at - 1]) & may_precede;
  return may_touch_word(character_before(text, at).value) && is_clean_cut(text, at);
}

/// The end of the sentence punctuation whose sequence starts at `at`, or 0 when no sentence ends
/// there.
std::size_t sentence_end(std::string_view text, std::size_t begin, std::size_t at) {
  const char c = text[at];
  if (c == '.' || c == '!' || c == '?') {
    std::size_t end = at + 1;
    while (end < text.size() && (text[end] == '"' || text[end] == ')' || text[end] == '\'')) ++end;
    if (end < text.size() && !is_blank(text[end])) return 0;
    const bool initial = c == '.' && at >= begin + 2 && is_ascii_letter(text[at - 1]) &&
                         !is_ascii_letter(text[at - 2]);
    return initial ? 0 : end;
  }
  const std::string_view rest = text.substr(at, 3);
  return rest == "。" || rest == "！" || rest == "？" ? at + 3 : 0;
}

bool opens_sentence(std::string_view text, std::size_t at) {
  return is_upper(text[at]) || (!is_ascii(text[at]) && is_han(character_at(text, at).value));
}

}  // namespace

bool closes_word(std::string_view text, std::size_t at) {
  if (at == text.size()) return true;
  if (!is_ascii(text[at]))
    return may_touch_word(character_at(text, at).value) && is_clean_cut(text, at);
  const std::uint8_t follower = class_of(text[at]);
  if (!(follower & may_follow)) return false;
  if (!(follower & stop) || at + 1 == text.size() || !is_ascii(text[at + 1])) return true;
  return !(class_of(text[at + 1]) & letter) && !is_digit(text[at + 1]) && text[at + 1] != '_';
}

bool WordScanner::next(Span& word) {
  while (at_ < text_.size()) {
    if (!(class_of(text_[at_]) & letter)) {
      ++at_;
      continue;
    }
    const std::size_t begin = at_;
    while (at_ < text_.size() &&
           ((class_of(text_[at_]) & letter) || (text_[at_] == '\'' && at_ + 1 < text_.size() &&
                                                (class_of(text_[at_ + 1]) & letter)))) {
      ++at_;
    }
    if (!opens_word(text_, begin) || !closes_word(text_, at_)) continue;
    word = {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(at_)};
    return true;
  }
  return false;
}

std::vector<Span> words(std::string_view text) {
  std::vector<Span> found;
  found.reserve(text.size() / 6);
  WordScanner scanner(text);
  for (Span word; scanner.next(word);) found.push_back(word);
  return found;
}

std::vector<Span> sentences(std::string_view text, std::size_t least) {
  std::vector<Span> found;
  std::size_t begin = 0;
  const auto close = [&](std::size_t end) {
    while (begin < end && is_blank(text[begin])) ++begin;
    while (end > begin && is_blank(text[end - 1])) --end;
    if (end - begin >= least && opens_sentence(text, begin) && is_clean_cut(text, begin) &&
        is_clean_cut(text, end)) {
      found.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)});
    }
  };
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = sentence_end(text, begin, at);
    const bool is_empty_line = text.substr(at, 2) == "\n\n";
    if (end || is_empty_line) close(end ? end : at);
    if (end || is_empty_line) begin = end ? end : at + 2;
    at = std::max(at + 1, begin);
  }
  return found;
}

std::vector<Span> sentences_in_turns(const Sample& sample, std::size_t least) {
  std::vector<Span> found = sentences(sample.bytes, least);
  TurnCursor turns(sample);
  std::erase_if(found,
                [&](const Span& sentence) { return !turns.covers(sentence.begin, sentence.end); });
  return found;
}

std::vector<Span> plain_numbers(std::string_view text) {
  std::vector<Span> found;
  const auto alone = [](char c) {
    return is_ascii(c) && !is_digit(c) && !(class_of(c) & letter) &&
           std::string_view("._-+/:,%\\#@$'^=<>*[]").find(c) == std::string_view::npos;
  };
  for (std::size_t at = 0; at < text.size();) {
    if (!is_digit(text[at])) {
      ++at;
      continue;
    }
    const std::size_t begin = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    if (at - begin > 9 || (text[begin] == '0' && at - begin > 1)) continue;
    const bool before = begin == 0 || alone(text[begin - 1]) ||
                        (!is_ascii(text[begin - 1]) && is_clean_cut(text, begin));
    const bool sentence_stop = at < text.size() && (text[at] == '.' || text[at] == ',') &&
                               (at + 1 == text.size() || is_blank(text[at + 1]));
    const bool after = at == text.size() || sentence_stop || alone(text[at]) ||
                       (!is_ascii(text[at]) && is_clean_cut(text, at));
    if (before && after)
      found.push_back({static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(at)});
  }
  return found;
}

bool TurnCursor::covers(std::size_t begin, std::size_t end) {
  if (turns_.empty()) return true;
  while (turn_ < turns_.size() && turns_[turn_].end < end) ++turn_;
  return turn_ < turns_.size() && turns_[turn_].begin <= begin;
}

}  // namespace spillway::data
