#include "data/mutate/phrase_table.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>

#include "data/mutate/graphemes.hpp"

namespace spillway::data {
namespace {

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
char lower(char c) { return is_upper(c) ? static_cast<char>(c | 0x20) : c; }

/// The first eight bytes of an English word in lower case.
std::uint64_t pack_word(std::string_view word) {
  std::uint64_t packed = 0;
  std::memcpy(&packed, word.data(), std::min<std::size_t>(word.size(), sizeof packed));
  return word.size() >= sizeof packed
             ? packed | 0x2020202020202020ULL
             : packed | (0x2020202020202020ULL & ((1ULL << (8 * word.size())) - 1));
}

/// The bytes of the code point that starts at `at`, for well-formed text.
std::uint64_t pack_lead(std::string_view text, std::size_t at) {
  std::uint64_t packed = 0;
  std::memcpy(&packed, text.data() + at, std::min<std::size_t>(text.size() - at, 3));
  return packed;
}

std::uint64_t pack_head(std::string_view phrase) {
  if (!is_ascii(phrase[0])) return pack_lead(phrase, 0);
  return pack_word(phrase.substr(0, phrase.find(' ')));
}

std::size_t scatter(std::uint64_t head) {
  return static_cast<std::size_t>((head * 0x9e3779b97f4a7c15ULL) >> 40);
}

bool equal_english(std::string_view text, std::size_t at, std::string_view phrase) {
  if (text.size() - at < phrase.size()) return false;
  for (std::size_t i = 0; i < phrase.size(); ++i) {
    const char c = text[at + i];
    if (lower(c) != phrase[i] && !(phrase[i] == ' ' && c == '\n')) return false;
  }
  return true;
}

bool is_guard(const Rewrite& rewrite) { return rewrite.phrase == rewrite.alternatives; }

Span span(std::size_t begin, std::size_t size) {
  return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(begin + size)};
}

}  // namespace

PhraseTable::PhraseTable(std::initializer_list<Rewrite> rewrites,
                         std::initializer_list<Rewrite> pairs)
    : rewrites_(rewrites) {
  for (const Rewrite& pair : pairs) {
    rewrites_.push_back(pair);
    rewrites_.push_back({pair.alternatives, pair.phrase});
  }
  for (const Rewrite& rewrite : rewrites_)
    (is_ascii(rewrite.phrase[0]) ? has_english_ : has_other_) = true;
  std::stable_sort(rewrites_.begin(), rewrites_.end(), [](const Rewrite& a, const Rewrite& b) {
    const std::uint64_t head_a = pack_head(a.phrase), head_b = pack_head(b.phrase);
    return head_a != head_b ? head_a < head_b : a.phrase.size() > b.phrase.size();
  });
  build_slots();
}

void PhraseTable::build_slots() {
  slots_.resize(std::bit_ceil(4 * rewrites_.size() + 1));
  for (std::uint32_t first = 0; first < rewrites_.size();) {
    const std::uint64_t head = pack_head(rewrites_[first].phrase);
    std::uint32_t last = first;
    while (last < rewrites_.size() && pack_head(rewrites_[last].phrase) == head) ++last;
    std::size_t at = scatter(head) & (slots_.size() - 1);
    while (slots_[at].head) at = (at + 1) & (slots_.size() - 1);
    slots_[at] = {head, first, last};
    first = last;
  }
}

const PhraseTable::Slot* PhraseTable::slot(std::uint64_t head) const {
  for (std::size_t at = scatter(head) & (slots_.size() - 1); slots_[at].head;
       at = (at + 1) & (slots_.size() - 1)) {
    if (slots_[at].head == head) return &slots_[at];
  }
  return nullptr;
}

const Rewrite* PhraseTable::match_english(std::string_view text, Span word) const {
  const Slot* found = slot(pack_word(word.in(text)));
  for (std::uint32_t i = found ? found->first : 0; found && i < found->last; ++i) {
    const std::string_view phrase = rewrites_[i].phrase;
    const bool one_word = phrase.size() == word.size();
    if (phrase.size() < word.size() || (!one_word && phrase[word.size()] != ' ')) continue;
    if (equal_english(text, word.begin, phrase) &&
        (one_word || closes_word(text, word.begin + phrase.size())))
      return &rewrites_[i];
  }
  return nullptr;
}

const Rewrite* PhraseTable::match_other(std::string_view text, std::size_t at) const {
  const Slot* found = slot(pack_lead(text, at));
  for (std::uint32_t i = found ? found->first : 0; found && i < found->last; ++i) {
    const std::string_view phrase = rewrites_[i].phrase;
    if (text.substr(at, phrase.size()) == phrase && is_clean_cut(text, at) &&
        is_clean_cut(text, at + phrase.size())) {
      return &rewrites_[i];
    }
  }
  return nullptr;
}

void PhraseTable::find_english(std::string_view text, std::vector<Match>& matches) const {
  WordScanner scanner(text);
  std::size_t end = 0;
  for (Span word; scanner.next(word);) {
    if (word.begin < end) continue;
    if (const Rewrite* rewrite = match_english(text, word)) {
      end = word.begin + rewrite->phrase.size();
      if (!is_guard(*rewrite))
        matches.push_back({span(word.begin, rewrite->phrase.size()), rewrite});
    }
  }
}

void PhraseTable::find_other(std::string_view text, std::vector<Match>& matches) const {
  for (std::size_t at = 0; at < text.size();) {
    std::uint64_t word = 0;
    while (at + sizeof word <= text.size()) {
      std::memcpy(&word, text.data() + at, sizeof word);
      if (word & 0x8080808080808080ULL) break;
      at += sizeof word;
    }
    while (at < text.size() && is_ascii(text[at])) ++at;
    while (at < text.size() && !is_ascii(text[at])) {
      const Rewrite* rewrite = match_other(text, at);
      if (rewrite && !is_guard(*rewrite))
        matches.push_back({span(at, rewrite->phrase.size()), rewrite});
      at += rewrite ? rewrite->phrase.size() : 1;
    }
  }
}

std::vector<Match> PhraseTable::find(std::string_view text) const {
  std::vector<Match> english, other;
  if (has_english_) find_english(text, english);
  if (has_other_) find_other(text, other);
  if (english.empty() || other.empty()) return english.empty() ? other : english;
  std::vector<Match> all;
  all.reserve(english.size() + other.size());
  std::merge(english.begin(), english.end(), other.begin(), other.end(), std::back_inserter(all),
             [](const Match& a, const Match& b) { return a.place.begin < b.place.begin; });
  return all;
}

std::string choose_alternative(std::string_view text, const Match& match, RandomKey& key) {
  const std::string_view all = match.rewrite->alternatives;
  const std::uint64_t count =
      1 + static_cast<std::uint64_t>(std::count(all.begin(), all.end(), '|'));
  std::uint64_t skip = count == 1 ? 0 : key.below(count);
  std::size_t begin = 0;
  for (; skip > 0; --skip) begin = all.find('|', begin) + 1;
  std::string chosen(all.substr(begin, all.find('|', begin) - begin));
  if (!chosen.empty() && is_upper(text[match.place.begin]) && chosen[0] >= 'a' &&
      chosen[0] <= 'z') {
    chosen[0] = static_cast<char>(chosen[0] - 'a' + 'A');
  }
  return chosen;
}

}  // namespace spillway::data
