// Grammar, ambiguity, contradiction: what each operator does to sentences where the outcome is
// known.
#include <gtest/gtest.h>

#include <set>

#include "data/mutate/statements.hpp"
#include "tests/data/mutate/samples.hpp"

namespace spillway::data {
namespace {

using Outcomes = std::set<std::string>;

/// All mutants of a text under 200 keys; "" stands for nothing.
Outcomes outcomes(std::string_view name, const std::string& bytes,
                  const std::string& language = "en") {
  static const MemoryPool kEmpty({});
  Outcomes all;
  for (std::uint64_t draw = 0; draw < 200; ++draw) {
    const auto mutant = find_operator(name).apply(text(bytes, language), RandomKey(draw), kEmpty);
    all.insert(mutant ? mutant->bytes : "");
  }
  return all;
}

TEST(Grammar, BreaksAgreement) {
  EXPECT_EQ(outcomes("break_agreement", "The cat is here."), Outcomes{"The cat are here."});
}

TEST(Grammar, DropsOrExchangesArticles) {
  EXPECT_EQ(outcomes("wrong_article", "An apple fell."),
            (Outcomes{"A apple fell.", "apple fell."}));
  EXPECT_EQ(outcomes("wrong_article", "It is the end."), (Outcomes{"It is end.", "It is a end."}));
}

TEST(Grammar, ConfusesHomophones) {
  EXPECT_EQ(outcomes("confuse_homophones", "Its tail"), Outcomes{"It's tail"});
  EXPECT_EQ(outcomes("confuse_homophones", "他现在走"), Outcomes{"他现再走"});
}

TEST(Grammar, VerbFormsChangeOnlyWhereABareVerbMustStand) {
  EXPECT_EQ(outcomes("wrong_verb_form", "They want to go."),
            (Outcomes{"They want to went.", "They want to goes.", "They want to going."}));
  EXPECT_EQ(outcomes("wrong_verb_form", "They go."), Outcomes{""});
}

TEST(Grammar, SwapsNeighbours) {
  EXPECT_EQ(outcomes("swap_words", "It runs very fast."), (Outcomes{"It very runs fast."}));
}

TEST(Grammar, ConfusesParticlesButNotInsideWords) {
  EXPECT_EQ(outcomes("confuse_particles", "我的书"), (Outcomes{"我地书", "我得书"}));
  EXPECT_EQ(outcomes("confuse_particles", "目的地址获得"), Outcomes{""});
}

TEST(Grammar, UsesMeasureWordsThatDoNotFit) {
  EXPECT_EQ(outcomes("wrong_measure_word", "一本书"), (Outcomes{"一张书", "一条书"}));
}

TEST(Contradiction, NegatingTwiceGivesTheOriginal) {
  for (const char* original : {"It is red.", "He can go.", "You must not run.", "这是红的。",
                               "我不喜欢它。", "他没有书。"}) {
    for (const std::string& once : outcomes("toggle_negation", original)) {
      EXPECT_NE(once, original);
      EXPECT_TRUE(outcomes("toggle_negation", once).contains(original)) << once;
    }
  }
}

TEST(Contradiction, GuardsKeepWordsWhole) {
  EXPECT_EQ(outcomes("toggle_negation", "但是所有可能的机会都在。"), Outcomes{""});
}

TEST(Contradiction, FlipsWordsIntoTheirOpposites) {
  EXPECT_EQ(outcomes("use_antonym", "Values increase."), Outcomes{"Values decrease."});
  EXPECT_EQ(outcomes("use_antonym", "Increase it"), Outcomes{"Decrease it"});
  EXPECT_EQ(outcomes("flip_quantifier", "它总是开着"), Outcomes{"它从不开着"});
  EXPECT_EQ(outcomes("reverse_order", "Wash before eating."), Outcomes{"Wash after eating."});
}

TEST(Contradiction, StatementAndDenialStandInOneText) {
  EXPECT_EQ(outcomes("state_and_deny", "The door must open."),
            Outcomes{"The door must open. The door must not open."});
  EXPECT_EQ(outcomes("state_and_deny", "门可以开着。"), Outcomes{"门可以开着。门不可以开着。"});
}

TEST(Contradiction, NumbersOfTheSecondStatementDiffer) {
  for (const std::string& mutant : outcomes("conflicting_number", "It has 12 wheels.")) {
    EXPECT_TRUE(mutant.starts_with("It has 12 wheels. It has ") && mutant.ends_with(" wheels."))
        << mutant;
    EXPECT_EQ(mutant.find("12", 10), std::string::npos);
  }
}

TEST(Statements, OtherNumbersAreNeverTheSame) {
  for (std::uint64_t draw = 0; draw < 500; ++draw) {
    RandomKey key(draw);
    for (const char* digits : {"0", "1", "9", "10", "123456789"})
      EXPECT_NE(other_number(digits, key), digits);
  }
}

TEST(Ambiguity, PronounNeedsTwoThingsBefore) {
  EXPECT_EQ(
      outcomes("ambiguous_pronoun", "The reader met the writer at the gate. The queue is full."),
      Outcomes{"The reader met the writer at the gate. It is full."});
  EXPECT_EQ(outcomes("ambiguous_pronoun", "The reader waits. The queue is full."), Outcomes{""});
  EXPECT_EQ(outcomes("ambiguous_pronoun", "老师见到学生和医生。"), Outcomes{"老师见到学生和他。"});
  EXPECT_EQ(outcomes("ambiguous_pronoun", "老师读文件。"), Outcomes{""});
}

TEST(Ambiguity, PhraseStandsBehindAnObject) {
  for (const std::string& mutant : outcomes("ambiguous_attachment", "She saw the man.")) {
    EXPECT_TRUE(mutant.starts_with("She saw the man ") && mutant.ends_with(".")) << mutant;
  }
  EXPECT_EQ(outcomes("ambiguous_attachment", "She is in the house."), Outcomes{""});
}

TEST(Ambiguity, AdjectiveStandsBeforeAPair) {
  EXPECT_TRUE(outcomes("ambiguous_coordination", "All files and directories.")
                  .contains("All old files and directories."));
  EXPECT_TRUE(outcomes("ambiguous_coordination", "文件和目录").contains("旧的文件和目录"));
  EXPECT_EQ(outcomes("ambiguous_coordination", "He ran and fell."), Outcomes{""});
}

TEST(Ambiguity, DatesBecomeTwoNumbersThatCouldBeMonths) {
  EXPECT_EQ(outcomes("ambiguous_date", "On 2021-03-04."),
            (Outcomes{"On 03/04/2021.", "On 04/03/2021."}));
  EXPECT_EQ(outcomes("ambiguous_date", "On March 4, 2021."),
            (Outcomes{"On 03/04/2021.", "On 04/03/2021."}));
  EXPECT_EQ(outcomes("ambiguous_date", "2021年3月4日"), (Outcomes{"03/04/2021", "04/03/2021"}));
  for (const char* clear :
       {"On 2021-03-14.", "On 2021-03-03.", "At 2021-13-04x", "v12021-03-041", "no date"}) {
    EXPECT_EQ(outcomes("ambiguous_date", clear), Outcomes{""}) << clear;
  }
}

TEST(Ambiguity, NumbersLoseTheirUnit) {
  EXPECT_EQ(outcomes("drop_unit", "Wait 10 seconds."), Outcomes{"Wait 10."});
  EXPECT_EQ(outcomes("drop_unit", "等待30秒。"), Outcomes{"等待30。"});
  EXPECT_EQ(outcomes("drop_unit", "Many seconds."), Outcomes{""});
}

TEST(Ambiguity, CommasBetweenClausesGo) {
  EXPECT_EQ(outcomes("drop_commas", "He left, and she stayed."),
            Outcomes{"He left and she stayed."});
  EXPECT_EQ(outcomes("drop_commas", "下雨天，留客天"), Outcomes{"下雨天留客天"});
  EXPECT_EQ(outcomes("drop_commas", "red, green"), Outcomes{""});
}

}  // namespace
}  // namespace spillway::data
