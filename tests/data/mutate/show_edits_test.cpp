#include "data/mutate/show_edits.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "configs/error.hpp"
#include "tests/data/mutate/samples.hpp"

namespace spillway::data {
namespace {

/// A mutant whose edits replace `original` by `mutant`, one after another, in the text between
/// them.
Sample mutant_of(const std::vector<std::string>& parts) {
  Sample sample;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i % 3 == 0) {
      sample.bytes += parts[i];
    } else if (i % 3 == 1) {
      sample.provenance.edits.edits.push_back({sample.bytes.size(), parts[i + 1].size(), parts[i]});
    } else {
      sample.bytes += parts[i];
    }
  }
  return sample;
}

TEST(ShowEdits, PutsOriginalAndMutantBesideEachOther) {
  EXPECT_EQ(show_edits(mutant_of({"It is ", "red", "blue", " now.\nSecond", "", " line", ""}),
                       {.columns = 53}),
            "It is [-red-] now.        | It is {+blue+} now.\n"
            "Second                    | Second{+·line+}\n");
}

TEST(ShowEdits, ColoursEditsInsteadOfMarkingThem) {
  EXPECT_EQ(show_edits(mutant_of({"a ", "b", "c", " d"}), {.columns = 24, .colour = true}),
            "a \x1b[31mb\x1b[0m d      | a \x1b[32mc\x1b[0m d\n");
}

TEST(ShowEdits, BreaksLinesAtTheColumnWidthAndCountsWideCharactersTwice) {
  EXPECT_EQ(show_edits(mutant_of({"中文字符很宽的", "", "", ""}), {.columns = 24}),
            "中文字符很 | 中文字符很\n"
            "宽的       | 宽的\n");
}

TEST(ShowEdits, LinesMeetAgainAfterALongEdit) {
  EXPECT_EQ(show_edits(mutant_of({"a", "", "0123456789abcdef", "z\nnext"}), {.columns = 24}),
            "az         | a{+0123456\n"
            "           | 789abcdef\n"
            "           | +}z\n"
            "next       | next\n");
}

TEST(ShowEdits, MakesTheInvisibleVisible) {
  const std::string shown = show_edits(mutant_of({"a", "",
                                                  "\u200B\u202E \n\xFF"
                                                  "e\u0301",
                                                  "b\u0301\x07"}),
                                       {.columns = 140});
  for (const char* part :
       {"\\u{200b}", "\\u{202e}", "·", "¶", "\\xff", "e\\u{301}", "b\u0301", "\\u{7}"}) {
    EXPECT_NE(shown.find(part), std::string::npos) << part << " in " << shown;
  }
  EXPECT_EQ(shown.find("\u200B"), std::string::npos);
}

TEST(ShowEdits, RefusesAScriptThatDoesNotFit) {
  Sample sample = mutant_of({"a", "b", "c", ""});
  sample.provenance.edits.edits[0].mutant_length = 9;
  EXPECT_THROW(show_edits(sample, {}), Error);
}

TEST(ShowEdits, EveryLineOfEveryMutantFits) {
  const MemoryPool pool(prose());
  for (const auto& op : operators()) {
    for (const Sample& sample : prose()) {
      const auto mutant = op->apply(sample, RandomKey(5), pool);
      if (!mutant) continue;
      std::istringstream lines(show_edits(*mutant, {.columns = 60}));
      for (std::string line; std::getline(lines, line);) {
        int width = 0;
        for (std::size_t at = 0; at < line.size();) {
          const Character c = character_at(line, at);
          width += display_width(c.value);
          at += c.bytes;
        }
        ASSERT_LE(width, 60) << op->name() << ": " << line;
        ASSERT_EQ(line.find('|') != std::string::npos, true);
      }
    }
  }
}

TEST(DisplayWidth, FollowsEastAsianWidth) {
  EXPECT_EQ(display_width(U'a'), 1);
  EXPECT_EQ(display_width(U'中'), 2);
  EXPECT_EQ(display_width(U'Ａ'), 2);
  EXPECT_EQ(display_width(U'\u0301'), 0);
  EXPECT_EQ(display_width(U'\u200B'), 0);
}

}  // namespace
}  // namespace spillway::data
