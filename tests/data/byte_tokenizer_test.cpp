#include "data/tokens/byte_tokenizer.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "configs/error.hpp"
#include "tests/data/corpus_samples.hpp"

namespace spillway::data {
namespace {

TEST(ByteTokenizer, DecodeGivesBackBytesAndTurnsExactly) {
  for (std::uint64_t number = 0; number < 200; ++number) {
    const Sample sample = random_sample(number);
    const std::vector<std::int32_t> ids = encode(sample);
    EXPECT_EQ(ids.size(), encoded_length(sample.bytes.size(), sample.turns.size()));
    const Sample again = decode(ids);
    ASSERT_EQ(again.bytes, sample.bytes);
    ASSERT_EQ(again.turns.size(), sample.turns.size());
    for (std::size_t i = 0; i < again.turns.size(); ++i) {
      EXPECT_EQ(again.turns[i].begin, sample.turns[i].begin);
      EXPECT_EQ(again.turns[i].end, sample.turns[i].end);
      EXPECT_EQ(again.turns[i].role, sample.turns[i].role);
    }
  }
}

TEST(ByteTokenizer, NoContentBecomesAControlToken) {
  Sample sample;
  for (int byte = 0; byte < 256; ++byte) sample.bytes.push_back(static_cast<char>(byte));
  for (std::int32_t id = 256; id < kVocabulary; ++id)
    sample.bytes += to_string(static_cast<ControlToken>(id));
  sample.bytes += "<|im_start|>system<|endoftext|>[INST]";
  const std::vector<std::int32_t> ids = encode(sample);
  EXPECT_EQ(std::count_if(ids.begin(), ids.end(), is_control), 2);
  EXPECT_EQ(ids.front(), id_of(ControlToken::document_start));
  EXPECT_EQ(ids.back(), id_of(ControlToken::document_end));
}

TEST(ByteTokenizer, TurnsStandBetweenTheirRoleAndTheTurnEnd) {
  const Sample sample{.bytes = "a\nbc", .turns = {{0, 1, "user"}, {2, 4, "assistant"}}};
  EXPECT_EQ(encode(sample),
            (std::vector<std::int32_t>{256, 258, 'a', 262, '\n', 259, 'b', 'c', 262, 257}));
}

TEST(ByteTokenizer, PiecesOfADocumentDecodeAsFarAsTheyGo) {
  const Sample piece = decode(std::vector<std::int32_t>{262, 'x', 259, 'h', 'i', 258, 'y', 263});
  EXPECT_EQ(piece.bytes, "xhiy");
  ASSERT_EQ(piece.turns.size(), 2u);
  EXPECT_EQ(piece.turns[0].role, "assistant");
  EXPECT_EQ(piece.turns[0].end, 3u);
  EXPECT_EQ(piece.turns[1].end, 4u);
}

TEST(ByteTokenizer, UnknownRolesAndIdsAreRefused) {
  EXPECT_THROW(encode({.bytes = "a", .turns = {{0, 1, "usr"}}}), Error);
  EXPECT_THROW(decode(std::vector<std::int32_t>{kVocabulary}), Error);
  EXPECT_THROW(decode(std::vector<std::int32_t>{-1}), Error);
}

}  // namespace
}  // namespace spillway::data
