#include "data/mutate/words.hpp"

#include <gtest/gtest.h>

#include "tests/data/mutate/samples.hpp"

namespace spillway::data {
namespace {

using Texts = std::vector<std::string>;

Texts texts(const std::string& text, const std::vector<Span>& spans) {
  Texts all;
  for (const Span span : spans) all.emplace_back(span.in(text));
  return all;
}

TEST(Words, AreThoseOfProse) {
  const std::string text =
      "It doesn't (really) \"work\": see foo_bar, a/b, --quiet, x.y and 3rd. Done! naïve end";
  EXPECT_EQ(texts(text, words(text)),
            (Texts{"It", "doesn't", "really", "work", "see", "and", "Done", "end"}));
}

TEST(Words, StandBesideHanCharactersButNotBesideMarks) {
  const std::string text = "用kernel管理 cafe\u0301 x\u0300y ok，fine。";
  EXPECT_EQ(texts(text, words(text)), (Texts{"kernel", "ok", "fine"}));
}

TEST(Sentences, EndAtPunctuationAndEmptyLines) {
  const std::string text =
      "First one here. Second, by J. Doe, is 3.5 long! (No capital.) lower case is none.\n\nA "
      "title line\n\n他来了吗？他来了。And English. ";
  EXPECT_EQ(texts(text, sentences(text)),
            (Texts{"First one here.", "Second, by J. Doe, is 3.5 long!", "A title line",
                   "他来了吗？", "他来了。", "And English."}));
}

TEST(Sentences, LieInsideTurnsOfADialogue) {
  const Sample sample = dialogue({"One is here. Two is", "there. Three is a sentence."});
  EXPECT_EQ(texts(sample.bytes, sentences_in_turns(sample)),
            (Texts{"One is here.", "Three is a sentence."}));
}

TEST(PlainNumbers, StandAlone) {
  const std::string text =
      "12 and 3.5, v2, 2021-03-04, 10:30, -7, 0x1f, 007, 1234567890, (8), 42. 共64字节 9";
  EXPECT_EQ(texts(text, plain_numbers(text)), (Texts{"12", "8", "42", "64", "9"}));
}

TEST(TurnCursor, CoversWhatLiesInOneTurn) {
  const Sample sample = dialogue({"ab", "cd"});
  TurnCursor cursor(sample);
  EXPECT_TRUE(cursor.covers(0, 2));
  EXPECT_FALSE(cursor.covers(1, 4));
  EXPECT_TRUE(cursor.covers(3, 5));
  EXPECT_FALSE(cursor.covers(5, 6));
}

}  // namespace
}  // namespace spillway::data
