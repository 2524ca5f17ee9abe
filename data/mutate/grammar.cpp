// Grammar errors that people make, English and Chinese. Tags of ERRANT (Bryant et al. 2017, ACL
// P17-1074) beside each.
#include <algorithm>
#include <array>

#include "data/mutate/categories.hpp"
#include "data/mutate/substitution.hpp"
#include "data/mutate/word_lists.hpp"

namespace spillway::data {
namespace {

constexpr EditCount kFew{1, 4};

/// The word that ends just before the blank at byte `at` - 1; empty when there is none.
std::string_view word_before(std::string_view text, std::size_t at) {
  if (at < 2 || text[at - 1] != ' ') return {};
  std::size_t begin = at - 1;
  while (begin > 0 && (is_ascii_letter(text[begin - 1]) || text[begin - 1] == '\'')) --begin;
  return text.substr(begin, at - 1 - begin);
}

bool calls_for_bare_verb(std::string_view word) {
  static constexpr std::array<std::string_view, 14> kWords{
      "to",    "will",  "can",   "must",    "should", "may",    "would",
      "could", "might", "don't", "doesn't", "didn't", "cannot", "let's"};
  return std::ranges::find(kWords, word) != kWords.end();
}

/// R:VERB:FORM: after "to" or a modal, a form that cannot stand there.
std::vector<Candidate> find_verb_forms(std::string_view text, RandomKey& key) {
  std::vector<Candidate> places;
  for (const Match& match : verb_forms().find(text)) {
    if (!calls_for_bare_verb(word_before(text, match.place.begin))) continue;
    places.push_back({match.place.begin, match.place.end, choose_alternative(text, match, key)});
  }
  return places;
}

/// R:WO: two neighbouring lower-case words change places.
std::vector<Candidate> find_word_pairs(std::string_view text, RandomKey&) {
  std::vector<Candidate> places;
  const std::vector<Span> all = words(text);
  for (std::size_t i = 1; i < all.size(); ++i) {
    const Span a = all[i - 1], b = all[i];
    const bool neighbours = b.begin == a.end + 1 && text[a.end] == ' ' &&
                            !is_upper(text[a.begin]) && !is_upper(text[b.begin]);
    if (!neighbours || a.in(text) == b.in(text)) continue;
    std::string swapped(b.in(text));
    places.push_back({a.begin, b.end, swapped.append(" ").append(a.in(text))});
    ++i;
  }
  return places;
}

/// W in Chinese: an adverb and its negation or modal change places.
const PhraseTable& misplaced_words() {
  static const PhraseTable kTable{
      {"也都", "都也"},     {"也不", "不也"},     {"都不", "不都"},     {"还没有", "没有还"},
      {"已经不", "不已经"}, {"就会", "会就"},     {"才能", "能才"},     {"可以在", "在可以"},
      {"也可以", "可以也"}, {"就可以", "可以就"}, {"不应该", "应该不"}, {"将会", "会将"},
      {"都可以", "可以都"}, {"只能", "能只"},     {"也会", "会也"},     {"都会", "会都"},
      {"很多", "多很"},     {"非常", "常非"},     {"我也", "也我"},     {"你也", "也你"},
      {"他也", "也他"},     {"都是", "是都"},     {"也是", "是也"},     {"就是", "是就"},
      {"不会", "会不"},     {"我很", "很我"},     {"你能", "能你"},     {"我不", "不我"}};
  return kTable;
}

constexpr OperatorInfo info(std::string_view name, std::string_view meaning) {
  return {name, Category::grammar, meaning, LabelEffect::preserve};
}

}  // namespace

OperatorList grammar_operators() {
  OperatorList list;
  const auto rewrite = [&](const OperatorInfo& about, const PhraseTable& table) {
    list.push_back(std::make_unique<PhraseSubstitution>(about, kFew, table));
  };
  rewrite(info("break_agreement", "verb or determiner disagrees in number (R:VERB:SVA)"),
          disagreeing_verbs());
  rewrite(info("wrong_article", "article dropped or exchanged (M:DET, R:DET)"), wrong_articles());
  rewrite(info("wrong_preposition", "preposition exchanged (R:PREP), English and Chinese"),
          wrong_prepositions());
  rewrite(info("confuse_homophones", "its and it's, 在 and 再: words that sound alike (R:SPELL)"),
          homophones());
  list.push_back(std::make_unique<Substitution>(
      info("wrong_verb_form", "a form that cannot follow \"to\" or a modal (R:VERB:FORM)"), kFew,
      find_verb_forms));
  list.push_back(std::make_unique<Substitution>(
      info("swap_words", "two neighbouring words change places (R:WO)"), EditCount{1, 3},
      find_word_pairs));
  rewrite(info("confuse_particles", "的, 地 and 得 exchanged"), wrong_particles());
  rewrite(info("wrong_measure_word", "一本 for 一张: a measure word that does not fit"),
          wrong_measure_words());
  rewrite(info("misplace_adverb", "Chinese adverb, modal or subject in the wrong place (W)"),
          misplaced_words());
  return list;
}

}  // namespace spillway::data
