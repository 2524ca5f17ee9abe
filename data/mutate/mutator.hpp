#pragma once

#include <array>
#include <vector>

#include "data/mutate/operator.hpp"

namespace spillway::data {

/// Chooses an operator for a sample so that categories come out balanced, and applies it. A
/// category is drawn by weight, within it an operator; when none of it applies, another category is
/// drawn. The weights are found before the first mutation: on up to 2048 samples of the pool it is
/// tried which categories apply at all (only dialogues can give dialogue mutants, only sentences
/// with a negation lose it), then weights are fitted until each category gets its share or, where
/// too few samples offer a place, as much as there is.
class Mutator {
 public:
  /// `operators` (of select_operators) and `quotes` must outlive the mutator. Of all mutants,
  /// `long_context_share` are long contexts, kept small because each has 4096 bytes and more; the
  /// other categories get equal parts of the rest. Throws Error(input) for a share outside [0, 1].
  Mutator(const std::vector<const Operator*>& operators, const SamplePool& quotes,
          double long_context_share = 0.02);

  /// A mutant of `sample`, a pure function of both; nothing when no operator applies.
  std::optional<Sample> mutate(const Sample& sample, RandomKey key) const;

 private:
  std::array<std::vector<const Operator*>, kCategories> operators_;
  std::array<std::uint64_t, kCategories> weights_{};
  const SamplePool& quotes_;
};

}  // namespace spillway::data
