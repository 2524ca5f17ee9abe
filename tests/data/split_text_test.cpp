#include "data/source/split_text.hpp"

#include <gtest/gtest.h>

#include "configs/error.hpp"

namespace spillway::data {
namespace {

std::vector<std::string> pieces_of(const std::string& text, const SplitOptions& options) {
  std::vector<std::string> texts;
  for (const TextPiece& piece : split_text(text, options).kept) texts.emplace_back(piece.text);
  return texts;
}

using Texts = std::vector<std::string>;

TEST(SplitText, ParagraphsStandBetweenEmptyLinesAndKnowTheirLine) {
  const Pieces pieces = split_text("\n\nfirst\nline two  \n \t\nsecond\n\n\nx", {.min_bytes = 2});
  ASSERT_EQ(pieces.kept.size(), 2u);
  EXPECT_EQ(pieces.kept[0].text, "first\nline two");
  EXPECT_EQ(pieces.kept[0].line, 3u);
  EXPECT_EQ(pieces.kept[1].text, "second");
  EXPECT_EQ(pieces.kept[1].line, 6u);
  EXPECT_EQ(pieces.too_short, 1u);
}

TEST(SplitText, AHeadingGoesWithTheParagraphThatFollows) {
  const SplitOptions options{.min_bytes = 1};
  EXPECT_EQ(pieces_of("Title\n=====\n\nBody.\n\nMore.\n", options),
            (Texts{"Title\n=====\n\nBody.", "More."}));
  EXPECT_EQ(pieces_of("=====\nTitle\n=====\n\nBody.\n", options),
            (Texts{"=====\nTitle\n=====\n\nBody."}));
  EXPECT_EQ(pieces_of("# Title\n\nBody.\n", {.markdown = true, .min_bytes = 1}),
            (Texts{"# Title\n\nBody."}));
  EXPECT_EQ(pieces_of("# comment\n\nBody.\n", options), (Texts{"# comment", "Body."}));
}

TEST(SplitText, LiteralAndFencedBlocksStayWhole) {
  EXPECT_EQ(pieces_of("As here::\n\n  a = 1\n\n  b = 2\n\nEnd.\n", {.min_bytes = 1}),
            (Texts{"As here::\n\n  a = 1", "  b = 2", "End."}));
  EXPECT_EQ(pieces_of("```\na\n\nb\n```\n\nEnd.\n", {.markdown = true, .min_bytes = 1}),
            (Texts{"```\na\n\nb\n```", "End."}));
  EXPECT_EQ(pieces_of("Title\n~~~~~\n\na\n\nb\n", {.min_bytes = 1}),
            (Texts{"Title\n~~~~~\n\na", "b"}));
}

TEST(SplitText, SectionsRunFromHeadingToHeading) {
  const std::string text = "intro\n\n====\nOne\n====\na\n\nb\n\nTwo\n---\n\nc\n";
  EXPECT_EQ(pieces_of(text, {.unit = Unit::section, .min_bytes = 1}),
            (Texts{"intro", "====\nOne\n====\na\n\nb", "Two\n---\n\nc"}));
  EXPECT_EQ(pieces_of("# A\nx\n## B\ny\n```\n# no heading\n```\n",
                      {.unit = Unit::section, .markdown = true, .min_bytes = 1}),
            (Texts{"# A\nx", "## B\ny\n```\n# no heading\n```"}));
}

TEST(SplitText, AFileIsOnePieceUnlessTooLong) {
  EXPECT_EQ(pieces_of("a\n\nb\n", {.unit = Unit::file, .min_bytes = 1}), (Texts{"a\n\nb"}));
  EXPECT_EQ(
      pieces_of("aaaa\n\nbbbb\ncccc\n", {.unit = Unit::file, .min_bytes = 1, .max_bytes = 12}),
      (Texts{"aaaa", "bbbb\ncccc"}));
  EXPECT_EQ(pieces_of("aaaa\nbbbb\ncccc\n", {.unit = Unit::file, .min_bytes = 1, .max_bytes = 9}),
            (Texts{"aaaa", "bbbb\ncccc"}));
}

TEST(SplitText, ALongLineIsCutBetweenCodePoints) {
  const Texts texts = pieces_of("鸟鸟鸟鸟鸟", {.min_bytes = 1, .max_bytes = 8});
  EXPECT_EQ(texts, (Texts{"鸟鸟", "鸟鸟", "鸟"}));
  EXPECT_EQ(pieces_of("", {}).size(), 0u);
  EXPECT_EQ(pieces_of("\n\n \n", {.min_bytes = 1}).size(), 0u);
}

TEST(SplitText, UnitsHaveNames) {
  EXPECT_EQ(unit_of("section"), Unit::section);
  EXPECT_THROW(unit_of("sections"), Error);
}

}  // namespace
}  // namespace spillway::data
