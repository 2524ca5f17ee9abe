#include "data/mutate/phrase_table.hpp"

#include <gtest/gtest.h>

#include <set>

#include "data/mutate/word_lists.hpp"

namespace spillway::data {
namespace {

std::vector<std::string> found(const PhraseTable& table, std::string_view text) {
  std::vector<std::string> all;
  for (const Match& match : table.find(text)) all.emplace_back(match.place.in(text));
  return all;
}

using Texts = std::vector<std::string>;

TEST(PhraseTable, TakesTheLongestPhraseAndWholeWords) {
  const PhraseTable table{
      {"is", "x"}, {"is not", "y"}, {"necessary", "n"}, {"是", "z"}, {"不是", "w"}};
  EXPECT_EQ(found(table, "This is not it, Is it? isnt is\nnot is nothing"),
            (Texts{"is not", "Is", "is\nnot", "is"}));
  EXPECT_EQ(found(table, "necessary unnecessary necessarys"), (Texts{"necessary"}));
  EXPECT_EQ(found(table, "这不是 is 是"), (Texts{"不是", "is", "是"}));
}

TEST(PhraseTable, PassesOverGuards) {
  const PhraseTable table{{"是", "不是"}, {"还是", "还是"}, {"is", "are"}, {"is it", "is it"}};
  EXPECT_EQ(found(table, "还是是 is it is"), (Texts{"是", "is"}));
}

TEST(PhraseTable, DoesNotSplitClusters) {
  const PhraseTable table{{"是", "不是"}};
  EXPECT_EQ(found(table, "是\uFE00 是\u0301 是"), (Texts{"是"}));
}

TEST(PhraseTable, ChoosesEveryAlternativeAndKeepsTheCapital) {
  const PhraseTable table{{"a", "an|one|"}};
  std::set<std::string> chosen;
  for (std::uint64_t i = 0; i < 64; ++i) {
    RandomKey key(i);
    chosen.insert(choose_alternative("A b", table.find("A b").at(0), key));
  }
  EXPECT_EQ(chosen, (std::set<std::string>{"An", "One", ""}));
}

TEST(WordLists, HoldNoPhraseTwice) {
  const PhraseTable* all[] = {&disagreeing_verbs(),
                              &wrong_articles(),
                              &wrong_prepositions(),
                              &homophones(),
                              &verb_forms(),
                              &wrong_particles(),
                              &wrong_measure_words(),
                              &negations(),
                              &antonyms(),
                              &quantifier_flips(),
                              &order_flips(),
                              &nouns(),
                              &units()};
  for (const PhraseTable* table : all) {
    std::set<std::string_view> phrases;
    for (const Rewrite& rewrite : table->rewrites())
      EXPECT_TRUE(phrases.insert(rewrite.phrase).second) << rewrite.phrase;
  }
}

TEST(WordLists, EveryNegationHasItsWayBack) {
  for (const Rewrite& rewrite : negations().rewrites()) {
    if (rewrite.phrase == rewrite.alternatives) continue;
    const std::string changed(rewrite.alternatives.substr(0, rewrite.alternatives.find('|')));
    EXPECT_TRUE(changed == "does" || changed == "do" || changed == "did" ||
                found(negations(), changed) == Texts{changed})
        << rewrite.phrase;
  }
}

}  // namespace
}  // namespace spillway::data
