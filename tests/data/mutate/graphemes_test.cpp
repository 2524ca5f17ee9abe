#include "data/mutate/graphemes.hpp"

#include <gtest/gtest.h>
#include <unicode/brkiter.h>
#include <unicode/utext.h>

#include <memory>
#include <set>

#include "tests/data/mutate/samples.hpp"

namespace spillway::data {
namespace {

std::set<std::size_t> boundaries_by_icu(const std::string& text) {
  UErrorCode status = U_ZERO_ERROR;
  std::unique_ptr<icu::BreakIterator> iterator(
      icu::BreakIterator::createCharacterInstance(icu::Locale::getRoot(), status));
  UText* utext =
      utext_openUTF8(nullptr, text.data(), static_cast<std::int64_t>(text.size()), &status);
  iterator->setText(utext, status);
  std::set<std::size_t> found;
  for (std::int32_t at = iterator->first(); at != icu::BreakIterator::DONE; at = iterator->next()) {
    found.insert(static_cast<std::size_t>(at));
  }
  utext_close(utext);
  return found;
}

void expect_equal_boundaries(const std::string& text) {
  const std::set<std::size_t> expected = boundaries_by_icu(text);
  for (std::size_t at = 0; at <= text.size(); ++at) {
    ASSERT_EQ(is_grapheme_boundary(text, at), expected.contains(at))
        << "byte " << at << " of " << testing::PrintToString(text);
  }
}

TEST(Graphemes, BoundariesOfKnownClustersAreThoseOfIcu) {
  for (const char* text : {"", "a", "e\u0301x", "\r\n\n\r", "👨‍👩‍👧 x", "🇩🇪🇫🇷🇯",
                           "각ᄀᄀ", "नि", "\u0600a", "字\uFE00", "\u0301"}) {
    expect_equal_boundaries(text);
  }
}

TEST(Graphemes, BoundariesOfRandomTextsAreThoseOfIcu) {
  RandomKey key(7);
  for (int i = 0; i < 3000; ++i) expect_equal_boundaries(random_unicode(key, 1 + key.below(24)));
}

TEST(Graphemes, ACleanCutJoinsNothingPutThere) {
  EXPECT_TRUE(is_clean_cut("ab", 1));
  EXPECT_TRUE(is_clean_cut("ab", 0));
  EXPECT_TRUE(is_clean_cut("ab", 2));
  EXPECT_FALSE(is_clean_cut("\u0301b", 0)) << "the mark would sit on what is put before it";
  EXPECT_FALSE(is_clean_cut("\u0600", 2)) << "the prepended mark would take what is put after it";
  EXPECT_FALSE(is_clean_cut("\r", 1));
  EXPECT_FALSE(is_clean_cut("字", 1));
  EXPECT_EQ(next_clean_cut("ae\u0301b", 2), 4U);
}

TEST(Graphemes, MalformedBytesStandAlone) {
  const std::string text =
      "a\x80\xC0"
      "b\xE4\xB8";
  for (std::size_t at = 0; at <= text.size(); ++at)
    EXPECT_TRUE(is_grapheme_boundary(text, at) || at == 5) << at;
}

}  // namespace
}  // namespace spillway::data
