#pragma once

#include <string>
#include <string_view>

#include "data/mutate/described_operator.hpp"

namespace spillway::data {

/// What a character operator does at one place: bytes [at, end) of the original become `text`.
struct CharacterChange {
  std::size_t end = 0;
  std::string text;
};

/// Walks a sample in random steps and edits single places: about one edit every 16, 32 or 64 bytes
/// (drawn per sample), at least one when any place is fit. Steps are uniform integers, so no
/// floating point decides where an edit goes. Clusters of the original stay whole.
class CharacterEdit : public DescribedOperator {
 public:
  /// Fills `change` for the character at byte `at` < text.size(); false when this place is not fit.
  /// `change` comes with end = at and empty text. It is done only when `at` is a grapheme boundary.
  using Write = bool (*)(std::string_view text, std::size_t at, RandomKey& key,
                         CharacterChange& change);
  CharacterEdit(const OperatorInfo& info, Write write) : DescribedOperator(info), write_(write) {}
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool& pool) const override;

 private:
  Write write_;
};

/// Inserts one of a list of strings before one to `most` words or Han characters (after a blank or
/// a Han character).
class StringInsertion : public DescribedOperator {
 public:
  using Draw = std::string (*)(RandomKey& key);
  StringInsertion(const OperatorInfo& info, std::uint64_t most, Draw draw)
      : DescribedOperator(info), most_(most), draw_(draw) {}
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool& pool) const override;

 private:
  std::uint64_t most_;
  Draw draw_;
};

/// The places StringInsertion uses: clean cuts inside turns, after a blank or a Han character or at
/// the start of the text.
std::vector<std::size_t> insertion_points(const Sample& sample, std::uint64_t count,
                                          RandomKey& key);

}  // namespace spillway::data
