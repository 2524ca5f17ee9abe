// Semantic ambiguity: a text that had one reading gets two.
#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

#include "data/mutate/categories.hpp"
#include "data/mutate/characters.hpp"
#include "data/mutate/graphemes.hpp"
#include "data/mutate/substitution.hpp"
#include "data/mutate/word_lists.hpp"

namespace spillway::data {
namespace {

constexpr std::size_t kReach = 400;  // bytes back in which a pronoun looks for what it stands for

constexpr OperatorInfo info(std::string_view name, std::string_view meaning) {
  return {name, Category::ambiguity, meaning, LabelEffect::undefined};
}

template <std::size_t N>
bool is_one_of(std::string_view word, const std::array<std::string_view, N>& list) {
  return std::ranges::find(list, word) != list.end();
}

constexpr std::array<std::string_view, 14> kSingularVerbs{
    "is",     "was", "has",   "can",   "will",  "does",     "must",
    "should", "may", "needs", "could", "would", "contains", "uses"};
constexpr std::array<std::string_view, 4> kPluralVerbs{"are", "were", "have", "do"};
constexpr std::array<std::string_view, 5> kDeterminers{"the", "a", "an", "The", "A"};
constexpr std::array<std::string_view, 24> kNoObjectAfter{
    "in",   "on",   "at",   "of", "to", "for", "with", "by",   "from", "and", "or",  "as",
    "into", "than", "that", "if", "is", "are", "was",  "were", "when", "but", "not", "under"};

bool follows_directly(std::string_view text, Span a, Span b) {
  return b.begin == a.end + 1 && text[a.end] == ' ';
}

/// Nouns with a determiner among words [0, last) that lie within reach of `at`, as many as differ;
/// 2 is enough.
bool has_two_antecedents(std::string_view text, const std::vector<Span>& all, std::size_t last,
                         std::string_view noun) {
  std::string_view found;
  for (std::size_t next = last; next > 1; --next) {
    const std::size_t i = next - 1;
    if (all[last].begin - all[i].begin >= kReach) break;
    if (!is_one_of(all[i - 1].in(text), kDeterminers) ||
        !follows_directly(text, all[i - 1], all[i]))
      continue;
    const std::string_view candidate = all[i].in(text);
    if (candidate == noun || candidate == found) continue;
    if (!found.empty()) return true;
    found = candidate;
  }
  return false;
}

/// "The NOUN is" becomes "It is" where the text before names two other things.
void find_english_pronouns(std::string_view text, std::vector<Candidate>& places) {
  const std::vector<Span> all = words(text);
  for (std::size_t i = 2; i + 2 < all.size(); ++i) {
    if (all[i].in(text) != "The") continue;
    for (std::size_t verb = i + 2;
         verb < std::min(all.size(), i + 5) && follows_directly(text, all[verb - 1], all[verb]);
         ++verb) {
      const bool singular = is_one_of(all[verb].in(text), kSingularVerbs),
                 plural = is_one_of(all[verb].in(text), kPluralVerbs);
      if (!singular && !plural) continue;
      if (follows_directly(text, all[i], all[i + 1]) &&
          has_two_antecedents(text, all, i, all[verb - 1].in(text))) {
        places.push_back({all[i].begin, all[verb - 1].end, singular ? "It" : "They"});
      }
      break;
    }
  }
}

/// A noun becomes the pronoun that two other nouns before it share.
void find_chinese_pronouns(std::string_view text, std::vector<Candidate>& places) {
  const std::vector<Match> found = nouns().find(text);
  for (std::size_t i = 2; i < found.size(); ++i) {
    const std::string_view pronoun = found[i].rewrite->alternatives;
    const Rewrite* first = nullptr;
    for (std::size_t next = i; next > 0; --next) {
      const std::size_t j = next - 1;
      if (found[i].place.begin - found[j].place.begin >= kReach) break;
      if (found[j].rewrite->alternatives != pronoun || found[j].rewrite == found[i].rewrite ||
          found[j].rewrite == first)
        continue;
      if (first) {
        places.push_back({found[i].place.begin, found[i].place.end, std::string(pronoun)});
        break;
      }
      first = found[j].rewrite;
    }
  }
}

void sort_places(std::vector<Candidate>& places) {
  std::ranges::sort(places, {}, &Candidate::begin);
}

std::vector<Candidate> find_pronouns(std::string_view text, RandomKey&) {
  std::vector<Candidate> places;
  find_english_pronouns(text, places);
  find_chinese_pronouns(text, places);
  sort_places(places);
  return places;
}

/// A prepositional phrase behind "VERB the NOUN": it may belong to the verb or to the noun.
std::vector<Candidate> find_attachments(std::string_view text, RandomKey& key) {
  static constexpr std::array<std::string_view, 8> kPhrases{
      " with the old key", " from the second room", " near the gate",    " with the camera",
      " on the left side", " in the last report",   " beside the river", " with two handles"};
  std::vector<Candidate> places;
  const std::vector<Span> all = words(text);
  for (std::size_t i = 2; i < all.size(); ++i) {
    if (!is_one_of(all[i - 1].in(text), kDeterminers) ||
        !follows_directly(text, all[i - 2], all[i - 1]) ||
        !follows_directly(text, all[i - 1], all[i]))
      continue;
    if (all[i - 2].size() < 3 || is_one_of(all[i - 2].in(text), kNoObjectAfter)) continue;
    const bool ends_phrase =
        all[i].end == text.size() ||
        std::string_view(".,;:!?\n").find(text[all[i].end]) != std::string_view::npos;
    if (ends_phrase)
      places.push_back({all[i].end, all[i].end, std::string(kPhrases[key.below(kPhrases.size())])});
  }
  return places;
}

bool is_plural(std::string_view word) {
  return word.size() >= 4 && word.ends_with('s') && !word.ends_with("ss") && !is_upper(word[0]);
}

/// "files and directories" becomes "old files and directories", 文件和目录 becomes 旧的文件和目录:
/// are both old?
std::vector<Candidate> find_coordinations(std::string_view text, RandomKey& key) {
  static constexpr std::array<std::string_view, 6> kEnglish{"old ",   "new ",   "large ",
                                                            "local ", "empty ", "valid "};
  static constexpr std::array<std::string_view, 5> kChinese{"新的", "旧的", "大的", "本地的",
                                                            "空的"};
  std::vector<Candidate> places;
  const std::vector<Span> all = words(text);
  for (std::size_t i = 1; i + 1 < all.size(); ++i) {
    if (all[i].in(text) != "and" || !is_plural(all[i - 1].in(text)) ||
        !is_plural(all[i + 1].in(text)))
      continue;
    if (!follows_directly(text, all[i - 1], all[i]) || !follows_directly(text, all[i], all[i + 1]))
      continue;
    places.push_back(
        {all[i - 1].begin, all[i - 1].begin, std::string(kEnglish[key.below(kEnglish.size())])});
  }
  const std::vector<Match> found = nouns().find(text);
  for (std::size_t i = 1; i < found.size(); ++i) {
    const Span gap{found[i - 1].place.end, found[i].place.begin};
    if (gap.in(text) != "和" && gap.in(text) != "与" && gap.in(text) != "及") continue;
    places.push_back({found[i - 1].place.begin, found[i - 1].place.begin,
                      std::string(kChinese[key.below(kChinese.size())])});
  }
  sort_places(places);
  return places;
}

/// A number of up to four digits at `at`, stepping over it; -1 when there is none.
int read_number(std::string_view text, std::size_t& at) {
  int number = -1;
  const auto end =
      std::from_chars(text.data() + at, text.data() + std::min(text.size(), at + 4), number);
  at = static_cast<std::size_t>(end.ptr - text.data());
  return number;
}

bool step_over(std::string_view text, std::size_t& at, std::string_view expected) {
  if (!text.substr(std::min(at, text.size())).starts_with(expected)) return false;
  at += expected.size();
  return true;
}

struct Date {
  std::size_t end = 0;
  int year = 0, month = 0, day = 0;
  bool is_ambiguous() const {
    return year > 0 && month >= 1 && month <= 12 && day >= 1 && day <= 12 && month != day;
  }
};

/// "2021-03-04" or "2021年3月4日" at `at`.
Date date_from_year(std::string_view text, std::size_t at) {
  Date date;
  date.year = read_number(text, at);
  const bool chinese = step_over(text, at, "年");
  if (date.year < 1000 || (!chinese && !step_over(text, at, "-"))) return {};
  date.month = read_number(text, at);
  if (!step_over(text, at, chinese ? "月" : "-")) return {};
  date.day = read_number(text, at);
  if (chinese && !step_over(text, at, "日")) return {};
  date.end = at;
  return date;
}

/// "March 4, 2021" or "March 4 2021" at `at`.
Date date_from_month(std::string_view text, std::size_t at) {
  static constexpr std::array<std::string_view, 12> kMonths{
      "January", "February", "March",     "April",   "May",      "June",
      "July",    "August",   "September", "October", "November", "December"};
  const auto month = std::ranges::find_if(
      kMonths, [&](std::string_view name) { return text.substr(at).starts_with(name); });
  if (month == kMonths.end()) return {};
  Date date;
  date.month = 1 + static_cast<int>(month - kMonths.begin());
  at += month->size();
  if (!step_over(text, at, " ")) return {};
  date.day = read_number(text, at);
  if (!step_over(text, at, ", ") && !step_over(text, at, " ")) return {};
  date.year = read_number(text, at);
  date.end = at;
  return date.year >= 1000 ? date : Date{};
}

/// A date whose day could be a month becomes two numbers and a year.
std::vector<Candidate> find_dates(std::string_view text, RandomKey& key) {
  std::vector<Candidate> places;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool starts_word = at == 0 || (!is_ascii_letter(text[at - 1]) &&
                                         !is_digit(text[at - 1]) && text[at - 1] != '-');
    if (!starts_word || !(is_digit(text[at]) || is_upper(text[at]))) continue;
    const Date date = is_digit(text[at]) ? date_from_year(text, at) : date_from_month(text, at);
    if (!date.is_ambiguous() || (date.end < text.size() && is_digit(text[date.end]))) continue;
    if (!is_clean_cut(text, at) || !is_clean_cut(text, date.end)) continue;
    char numbers[32];
    const bool day_first = key.below(2) == 1;
    std::snprintf(numbers, sizeof numbers, "%02d/%02d/%04d", day_first ? date.day : date.month,
                  day_first ? date.month : date.day, date.year);
    places.push_back({at, date.end, numbers});
    at = date.end - 1;
  }
  return places;
}

/// "12 seconds" becomes "12", 30秒 becomes 30: of what?
std::vector<Candidate> find_units(std::string_view text, RandomKey&) {
  std::vector<Candidate> places;
  for (const Match& match : units().find(text)) {
    std::size_t begin = match.place.begin;
    const bool spaced = begin > 0 && text[begin - 1] == ' ';
    if (spaced) --begin;
    if (begin == 0 || !is_digit(text[begin - 1]) || !is_clean_cut(text, begin)) continue;
    places.push_back({begin, match.place.end, ""});
  }
  return places;
}

/// Commas whose loss joins what they kept apart: 、 and ，between Han characters, and English ones
/// before a clause.
std::vector<Candidate> find_commas(std::string_view text, RandomKey&) {
  static constexpr std::array<std::string_view, 10> kClauses{
      "which", "who", "because", "while", "when", "and", "but", "where", "if", "so"};
  std::vector<Candidate> places;
  for (const Span word : words(text)) {
    const bool comma =
        word.begin >= 2 && text[word.begin - 1] == ' ' && text[word.begin - 2] == ',';
    if (comma && is_one_of(word.in(text), kClauses) && is_clean_cut(text, word.begin - 2))
      places.push_back({word.begin - 2U, word.begin - 1U, ""});
  }
  for (const std::string_view comma : {std::string_view("，"), std::string_view("、")}) {
    for (std::size_t at = text.find(comma, 1); at != std::string_view::npos;
         at = text.find(comma, at + comma.size())) {
      const std::size_t end = at + comma.size();
      if (end == text.size() || !is_han(character_before(text, at).value) ||
          !is_han(character_at(text, end).value))
        continue;
      if (is_clean_cut(text, at) && is_clean_cut(text, end)) places.push_back({at, end, ""});
    }
  }
  sort_places(places);
  return places;
}

}  // namespace

OperatorList ambiguity_operators() {
  OperatorList list;
  const auto add = [&](std::string_view name, std::string_view meaning, EditCount count,
                       Substitution::Find find) {
    list.push_back(std::make_unique<Substitution>(info(name, meaning), count, find));
  };
  add("ambiguous_pronoun", "a pronoun for a thing where two others were named before", {1, 2},
      find_pronouns);
  add("ambiguous_attachment", "a phrase that may belong to the verb or to the noun", {1, 1},
      find_attachments);
  add("ambiguous_coordination", "an adjective before \"A and B\": of A or of both", {1, 1},
      find_coordinations);
  add("ambiguous_date", "a date as two numbers that could both be the month", {1, 2}, find_dates);
  add("drop_unit", "a number loses its unit", {1, 2}, find_units);
  add("drop_commas", "clauses run together that a comma kept apart", {1, 3}, find_commas);
  return list;
}

}  // namespace spillway::data
