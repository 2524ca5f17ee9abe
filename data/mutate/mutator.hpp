#pragma once

#include <array>
#include <vector>

#include "data/mutate/operator.hpp"

namespace spillway::data {

/// How mutants are shared among categories.
struct MutationShares {
  double long_context = 0.02;  ///< of all mutants; kept small because each has 4096 bytes and more
  double dialogues = 0.0;      ///< dialogues among the samples that are mutated
};

/// Chooses an operator for a sample so that categories come out balanced, and applies it. Long
/// context gets its share, the other categories of the selection equal parts of the rest. Only
/// dialogues can give dialogue mutants, so they are asked for as many of these as all samples owe,
/// and text for none. A category is drawn by weight, within it an operator; when none of it
/// applies, another category is drawn.
class Mutator {
 public:
  /// `operators` (of select_operators) and `quotes` must outlive the mutator. Throws Error(input)
  /// for shares outside [0, 1].
  Mutator(const std::vector<const Operator*>& operators, const SamplePool& quotes,
          MutationShares shares);

  /// A mutant of `sample`, a pure function of both; nothing when no operator applies.
  std::optional<Sample> mutate(const Sample& sample, RandomKey key) const;

 private:
  using Weights = std::array<std::uint64_t, kCategories>;
  Weights weights(MutationShares shares, bool dialogue) const;

  std::array<std::vector<const Operator*>, kCategories> operators_;
  const SamplePool& quotes_;
  Weights text_weights_{}, dialogue_weights_{};
};

}  // namespace spillway::data
