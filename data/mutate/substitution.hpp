#pragma once

#include <string>
#include <vector>

#include "data/mutate/described_operator.hpp"
#include "data/mutate/phrase_table.hpp"

namespace spillway::data {

/// One possible edit: bytes [begin, end) of the original become `text`.
struct Candidate {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string text;
};

/// How many of the possible edits are made: between `least` and `most`, uniform.
struct EditCount {
  std::uint64_t least = 1;
  std::uint64_t most = 1;
};

/// Makes some of the places an edit: `find` lists all places in ascending order, without overlap;
/// uniform draws pick among those inside turns.
class Substitution : public DescribedOperator {
 public:
  using Find = std::vector<Candidate> (*)(std::string_view text, RandomKey& key);
  Substitution(const OperatorInfo& info, EditCount count, Find find)
      : DescribedOperator(info), count_(count), find_(find) {}
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool& pool) const override;

 private:
  EditCount count_;
  Find find_;
};

/// A Substitution whose places are the matches of a word list.
class PhraseSubstitution : public DescribedOperator {
 public:
  /// `table` must outlive the operator.
  PhraseSubstitution(const OperatorInfo& info, EditCount count, const PhraseTable& table)
      : DescribedOperator(info), count_(count), table_(table) {}
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool& pool) const override;

 private:
  EditCount count_;
  const PhraseTable& table_;
};

}  // namespace spillway::data
