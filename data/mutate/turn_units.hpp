#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "data/mutate/described_operator.hpp"
#include "data/mutate/words.hpp"

namespace spillway::data {

/// A dialogue as units and what stands between them. A unit is a turn with the text on its line
/// before it (a role written out); between units stands at least what ends the line.
class TurnUnits {
 public:
  explicit TurnUnits(const Sample& dialogue);

  std::size_t size() const { return units_.size(); }
  Span unit(std::size_t i) const { return units_[i]; }
  std::string_view text(std::size_t i) const { return units_[i].in(dialogue_.bytes); }
  const Turn& turn(std::size_t i) const { return dialogue_.turns[i]; }
  /// What separates unit i from the next; for the last one what separates it from the one before, a
  /// newline for a single one.
  std::string_view separator(std::size_t i) const;

 private:
  const Sample& dialogue_;
  std::vector<Span> units_;
};

/// A unit of a rebuilt dialogue: unit `index` of `of`.
struct PlacedUnit {
  const TurnUnits* of = nullptr;
  std::size_t index = 0;
};

/// The mutant of `sample` in which bytes from the begin of unit `first` to the end of unit `last`
/// are replaced by `units`, each with its turn, joined by separators of `sample`. Other turns move
/// along.
std::optional<Sample> with_units(const Sample& sample, const TurnUnits& own, std::size_t first,
                                 std::size_t last, const std::vector<PlacedUnit>& units,
                                 const DescribedOperator& by, RandomKey key, LabelEffect effect);

}  // namespace spillway::data
