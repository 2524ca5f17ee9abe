#include "data/mutate/edit_builder.hpp"

#include <gtest/gtest.h>

#include "configs/error.hpp"
#include "tests/data/mutate/samples.hpp"

namespace spillway::data {
namespace {

const Operator& any_operator() { return *operators().front(); }

std::vector<std::string> turn_texts(const Sample& sample) {
  std::vector<std::string> texts;
  for (const Turn& turn : sample.turns)
    texts.push_back(sample.bytes.substr(turn.begin, turn.end - turn.begin));
  return texts;
}

TEST(EditBuilder, BuildsMutantAndScriptInOnePass) {
  const Sample sample = text("one two three");
  EditBuilder builder(sample);
  builder.insert(0, ">");
  builder.replace(4, 7, "2");
  builder.erase(7, 8);
  builder.insert(13, "!");
  const auto mutant =
      std::move(builder).finish(any_operator(), RandomKey(5), LabelEffect::conflict);
  ASSERT_TRUE(mutant);
  EXPECT_EQ(mutant->bytes, ">one 2three!");
  EXPECT_EQ(mutant->provenance.edits.edits.size(), 3U) << "the two edits that touch are one";
  EXPECT_EQ(undo(mutant->bytes, mutant->provenance.edits), sample.bytes);
  EXPECT_EQ(mutant->provenance.key, 5U);
  EXPECT_EQ(mutant->provenance.label_effect, LabelEffect::conflict);
  EXPECT_EQ(mutant->category, any_operator().category());
}

TEST(EditBuilder, ReportsNothingWhenNothingChanged) {
  const Sample sample = text("same");
  EditBuilder builder(sample);
  builder.replace(0, 4, "same");
  builder.insert(4, "");
  EXPECT_FALSE(std::move(builder).finish(any_operator(), RandomKey(0), LabelEffect::preserve));
}

TEST(EditBuilder, RefusesEditsOutOfOrderOrOutside) {
  const Sample sample = text("abc");
  EditBuilder builder(sample);
  builder.replace(1, 2, "x");
  EXPECT_THROW(builder.replace(0, 1, "y"), Error);
  EXPECT_THROW(builder.replace(2, 4, "y"), Error);
}

TEST(EditBuilder, MovesTurnsWithTheirText) {
  const Sample sample = dialogue({"ab", "cd", "ef"});
  EditBuilder builder(sample);
  builder.insert(0, "<<");
  builder.replace(3, 4, "CCC");
  builder.insert(5, "+");
  builder.erase(6, 7);
  const auto mutant =
      std::move(builder).finish(any_operator(), RandomKey(0), LabelEffect::preserve);
  ASSERT_TRUE(mutant);
  EXPECT_EQ(turn_texts(*mutant), (std::vector<std::string>{"<<ab", "CCCd+", "f"}));
  EXPECT_EQ(mutant->turns[1].role, "assistant");
}

TEST(EditBuilder, GivesAnInsertionBetweenTouchingTurnsToTheLater) {
  Sample sample = text("abcd");
  sample.turns = {{0, 2, "user"}, {2, 4, "assistant"}};
  EditBuilder builder(sample);
  builder.insert(2, "++");
  const auto mutant =
      std::move(builder).finish(any_operator(), RandomKey(0), LabelEffect::preserve);
  ASSERT_TRUE(mutant);
  EXPECT_EQ(turn_texts(*mutant), (std::vector<std::string>{"ab", "++cd"}));
}

}  // namespace
}  // namespace spillway::data
