#include "data/mutate/turn_units.hpp"

#include <algorithm>

#include "data/mutate/edit_builder.hpp"

namespace spillway::data {

TurnUnits::TurnUnits(const Sample& dialogue) : dialogue_(dialogue) {
  std::uint32_t at = 0;
  for (const Turn& turn : dialogue.turns) {
    const std::size_t line_end = std::string_view(dialogue.bytes).substr(0, turn.begin).rfind('\n');
    const bool on_new_line = line_end != std::string_view::npos && line_end >= at;
    units_.push_back({on_new_line ? static_cast<std::uint32_t>(line_end + 1) : at, turn.end});
    at = turn.end;
  }
}

std::string_view TurnUnits::separator(std::size_t i) const {
  if (units_.size() < 2) return "\n";
  const std::size_t left = std::min(i, units_.size() - 2);
  return Span{units_[left].end, units_[left + 1].begin}.in(dialogue_.bytes);
}

std::optional<Sample> with_units(const Sample& sample, const TurnUnits& own, std::size_t first,
                                 std::size_t last, const std::vector<PlacedUnit>& units,
                                 const DescribedOperator& by, RandomKey key, LabelEffect effect) {
  const std::uint32_t begin = own.unit(first).begin, end = own.unit(last).end;
  std::string text;
  std::vector<Turn> turns(sample.turns.begin(),
                          sample.turns.begin() + static_cast<std::ptrdiff_t>(first));
  for (std::size_t i = 0; i < units.size(); ++i) {
    const TurnUnits& of = *units[i].of;
    const std::size_t index = units[i].index;
    if (i > 0) text.append(own.separator(std::min(first + i - 1, own.size() - 1)));
    const auto shift = static_cast<std::uint32_t>(begin + text.size()) - of.unit(index).begin;
    turns.push_back(
        {of.turn(index).begin + shift, of.turn(index).end + shift, of.turn(index).role});
    text.append(of.text(index));
  }
  const auto shift = static_cast<std::uint32_t>(begin + text.size()) - end;
  for (std::size_t i = last + 1; i < sample.turns.size(); ++i) {
    turns.push_back(
        {sample.turns[i].begin + shift, sample.turns[i].end + shift, sample.turns[i].role});
  }
  EditBuilder builder(sample);
  builder.replace(begin, end, text);
  auto mutant = std::move(builder).finish(by, key, effect);
  if (mutant) mutant->turns = std::move(turns);
  return mutant;
}

}  // namespace spillway::data
