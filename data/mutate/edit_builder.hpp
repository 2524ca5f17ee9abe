#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/mutate/operator.hpp"

namespace spillway::data {

/// Builds a mutant and its edit script in one pass over the original: edits are given in ascending
/// order of original position, everything between them is copied. Edits that touch become one; an
/// edit that changes nothing leaves no trace.
class EditBuilder {
 public:
  /// `sample` must outlive the builder.
  explicit EditBuilder(const Sample& sample);

  /// Original bytes [begin, end) become `text`; begin must not lie before the end of the last edit.
  void replace(std::size_t begin, std::size_t end, std::string_view text);
  void insert(std::size_t at, std::string_view text) { replace(at, at, text); }
  void erase(std::size_t begin, std::size_t end) { replace(begin, end, {}); }

  /// Where original byte `at` (at or after the last edit) will stand in the mutant.
  std::size_t position_of(std::size_t at) const { return bytes_.size() + (at - copied_); }

  /// The mutant: category, provenance and a turn table that matches the new bytes. Nothing when no
  /// edit changed anything. A turn keeps what is inserted at its borders; at a border of two
  /// touching turns the later one takes it.
  std::optional<Sample> finish(const Operator& by, RandomKey key, LabelEffect effect) &&;

 private:
  std::vector<Turn> moved_turns() const;

  const Sample& sample_;
  std::string bytes_;
  std::vector<Edit> edits_;
  std::size_t copied_ = 0;  ///< original bytes dealt with
};

/// The mutant whose bytes the caller built: `mutant` with category and provenance filled in (its
/// turns are kept as they are).
Sample as_mutant(Sample mutant, const Sample& original, const Operator& by, RandomKey key,
                 LabelEffect effect);

}  // namespace spillway::data
