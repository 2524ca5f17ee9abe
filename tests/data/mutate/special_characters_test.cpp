#include <gtest/gtest.h>
#include <unicode/normalizer2.h>
#include <unicode/ubidi.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uspoof.h>

#include <algorithm>

#include "data/mutate/character_lists.hpp"
#include "tests/data/mutate/samples.hpp"

namespace spillway::data {
namespace {

const MemoryPool& no_pool() {
  static const MemoryPool kPool({});
  return kPool;
}

template <class Check>
void for_mutants(std::string_view name, const Check& check) {
  int checked = 0;
  for (const Sample& sample : prose()) {
    for (std::uint64_t draw = 0; draw < 20; ++draw) {
      const auto mutant = find_operator(name).apply(sample, RandomKey(draw), no_pool());
      if (!mutant) continue;
      check(sample, *mutant);
      ++checked;
    }
  }
  EXPECT_GT(checked, 60);
}

/// `text` without the code points that `drop` says.
template <class Drop>
std::string without(std::string_view text, const Drop& drop) {
  std::string kept;
  for (std::size_t at = 0; at < text.size();) {
    const Character c = character_at(text, at);
    if (!drop(static_cast<UChar32>(c.value))) kept.append(text, at, c.bytes);
    at += c.bytes;
  }
  return kept;
}

bool is_invisible(UChar32 c) { return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT); }

std::string normalized(const icu::Normalizer2* form, const std::string& text) {
  UErrorCode status = U_ZERO_ERROR;
  std::string result;
  form->normalize(icu::UnicodeString::fromUTF8(text), status).toUTF8String(result);
  return result;
}

TEST(SpecialCharacters, ZeroWidthOnesStripToTheOriginal) {
  for_mutants("insert_zero_width", [](const Sample& sample, const Sample& mutant) {
    EXPECT_EQ(without(mutant.bytes, is_invisible), sample.bytes);
  });
}

TEST(SpecialCharacters, HiddenCommandsStripToTheOriginal) {
  for_mutants("hide_command_in_tags", [](const Sample& sample, const Sample& mutant) {
    const std::string stripped = without(mutant.bytes, is_invisible);
    EXPECT_TRUE(stripped == sample.bytes || stripped.size() == sample.bytes.size() + 1)
        << "at most a blank is added";
  });
}

std::u16string seen(const icu::UnicodeString& line) {
  UErrorCode status = U_ZERO_ERROR;
  UBiDi* bidi = ubidi_open();
  ubidi_setPara(bidi, line.getBuffer(), line.length(), UBIDI_LTR, nullptr, &status);
  std::u16string out(static_cast<std::size_t>(line.length()) + 1, u'\0');
  const int32_t size = ubidi_writeReordered(bidi, out.data(), static_cast<int32_t>(out.size()),
                                            UBIDI_REMOVE_BIDI_CONTROLS, &status);
  ubidi_close(bidi);
  return out.substr(0, static_cast<std::size_t>(size));
}

TEST(SpecialCharacters, BidiControlsReorderWhatIsSeenAndStripToTheOriginal) {
  int reordered = 0, all = 0;
  for_mutants("reorder_with_bidi", [&](const Sample& sample, const Sample& mutant) {
    EXPECT_EQ(without(mutant.bytes, is_invisible), sample.bytes);
    const auto text = icu::UnicodeString::fromUTF8(mutant.bytes),
               original = icu::UnicodeString::fromUTF8(sample.bytes);
    reordered += seen(text) != seen(original);
    ++all;
  });
  EXPECT_GT(reordered, all * 95 / 100);
}

std::string skeleton(const std::string& text) {
  UErrorCode status = U_ZERO_ERROR;
  USpoofChecker* checker = uspoof_open(&status);
  std::string result(text.size() * 4 + 16, '\0');
  const int32_t size =
      uspoof_getSkeletonUTF8(checker, 0, text.data(), static_cast<int32_t>(text.size()),
                             result.data(), static_cast<int32_t>(result.size()), &status);
  uspoof_close(checker);
  return result.substr(0, static_cast<std::size_t>(size));
}

TEST(SpecialCharacters, LookalikesKeepTheSkeleton) {
  for_mutants("replace_by_lookalikes", [](const Sample& sample, const Sample& mutant) {
    EXPECT_EQ(skeleton(mutant.bytes), skeleton(sample.bytes));
  });
}

TEST(SpecialCharacters, EveryLookalikeOfTheListIsConfusable) {
  int twins = 0;
  for (char32_t c = 0; c < 0xA000; ++c) {
    for (const char32_t twin : lookalikes(c)) {
      std::string one, other;
      append_utf8(one, c);
      append_utf8(other, twin);
      EXPECT_EQ(skeleton(one), skeleton(other)) << one << " and " << other;
      ++twins;
    }
  }
  EXPECT_GT(twins, 80);
}

TEST(SpecialCharacters, StackedMarksComeOffByDecomposition) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfd = icu::Normalizer2::getNFDInstance(status);
  const auto is_mark = [](UChar32 c) { return u_charType(c) == U_NON_SPACING_MARK; };
  for_mutants("stack_marks", [&](const Sample& sample, const Sample& mutant) {
    EXPECT_EQ(without(normalized(nfd, mutant.bytes), is_mark),
              without(normalized(nfd, sample.bytes), is_mark));
  });
}

TEST(SpecialCharacters, WideFormsFoldBack) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* nfkc = icu::Normalizer2::getNFKCInstance(status);
  for_mutants("widen_ascii", [&](const Sample& sample, const Sample& mutant) {
    EXPECT_EQ(normalized(nfkc, mutant.bytes), normalized(nfkc, sample.bytes));
  });
}

TEST(SpecialCharacters, ExoticBlanksAreBlanks) {
  for_mutants("exotic_blanks", [](const Sample& sample, const Sample& mutant) {
    std::string plain;
    for (std::size_t at = 0; at < mutant.bytes.size();) {
      const Character c = character_at(mutant.bytes, at);
      plain += u_charType(static_cast<UChar32>(c.value)) == U_SPACE_SEPARATOR
                   ? " "
                   : mutant.bytes.substr(at, c.bytes);
      at += c.bytes;
    }
    EXPECT_EQ(plain, sample.bytes);
  });
}

TEST(SpecialCharacters, MarkersAndPayloadsStandInTheText) {
  const auto expect_one_of = [](std::span<const std::string_view> list) {
    return [list](const Sample&, const Sample& mutant) {
      const Edit& edit = mutant.provenance.edits.edits.at(0);
      const std::string added = mutant.bytes.substr(edit.mutant_begin, edit.mutant_length);
      EXPECT_TRUE(std::ranges::any_of(list, [&](std::string_view s) {
        return added.starts_with(s);
      })) << added;
    };
  };
  for_mutants("insert_chat_markers", expect_one_of(chat_markers()));
  for_mutants("insert_payloads", expect_one_of(payloads()));
}

TEST(SpecialCharacters, MalformedBytesAreOnlyInTheRawLane) {
  const Operator& op = find_operator("insert_malformed_bytes");
  EXPECT_TRUE(op.raw());
  const auto mutant = op.apply(text("plain text with some words in it"), RandomKey(1), no_pool());
  ASSERT_TRUE(mutant);
  EXPECT_FALSE(is_utf8(mutant->bytes));
}

TEST(SpecialCharacters, DensityIsAsStated) {
  const Sample long_text = text(std::string(40000, 'a'));
  double gaps = 0;
  for (std::uint64_t draw = 0; draw < 40; ++draw) {
    const auto mutant =
        find_operator("insert_zero_width").apply(long_text, RandomKey(draw), no_pool());
    gaps += 40000.0 / static_cast<double>(mutant->provenance.edits.edits.size());
  }
  EXPECT_NEAR(gaps / 40, (16 + 32 + 64) / 3.0, 6.0);
}

}  // namespace
}  // namespace spillway::data
