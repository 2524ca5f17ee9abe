#include "data/mutate/substitution.hpp"

#include <algorithm>

#include "data/mutate/edit_builder.hpp"
#include "data/mutate/graphemes.hpp"

namespace spillway::data {
namespace {

/// Drops places outside turns, then keeps a uniform choice of them in order (selection sampling,
/// Knuth, TAOCP 3.4.2, algorithm S).
template <class Place, class Begin, class End>
void choose(std::vector<Place>& places, const Sample& sample, EditCount count, RandomKey& key,
            Begin begin, End end) {
  TurnCursor turns(sample);
  std::erase_if(places,
                [&](const Place& place) { return !turns.covers(begin(place), end(place)); });
  std::uint64_t left = places.size();
  std::uint64_t wanted = std::min(left, count.least + key.below(count.most - count.least + 1));
  std::erase_if(places, [&](const Place&) {
    const bool taken = wanted > 0 && key.below(left) < wanted;
    --left;
    wanted -= taken ? 1 : 0;
    return !taken;
  });
}

/// Drops a dropped English word's blank too, so that no double blank tells the place.
std::size_t end_of_edit(std::string_view text, Span place, const std::string& replacement) {
  const bool blank_goes = replacement.empty() && is_ascii_letter(text[place.begin]) &&
                          place.end < text.size() && text[place.end] == ' ' &&
                          is_clean_cut(text, place.end + 1);
  return place.end + (blank_goes ? 1 : 0);
}

}  // namespace

std::optional<Sample> Substitution::apply(const Sample& sample, RandomKey key,
                                          const SamplePool&) const {
  RandomKey draws = stream(key);
  std::vector<Candidate> places = find_(sample.bytes, draws);
  if (places.empty()) return std::nullopt;
  choose(
      places, sample, count_, draws, [](const Candidate& c) { return c.begin; },
      [](const Candidate& c) { return c.end; });
  EditBuilder builder(sample);
  for (const Candidate& place : places) builder.replace(place.begin, place.end, place.text);
  return std::move(builder).finish(*this, key, effect());
}

std::optional<Sample> PhraseSubstitution::apply(const Sample& sample, RandomKey key,
                                                const SamplePool&) const {
  std::vector<Match> places = table_.find(sample.bytes);
  if (places.empty()) return std::nullopt;
  RandomKey draws = stream(key);
  choose(
      places, sample, count_, draws, [](const Match& m) { return m.place.begin; },
      [](const Match& m) { return m.place.end; });
  EditBuilder builder(sample);
  for (const Match& match : places) {
    const std::string text = choose_alternative(sample.bytes, match, draws);
    builder.replace(match.place.begin, end_of_edit(sample.bytes, match.place, text), text);
  }
  return std::move(builder).finish(*this, key, effect());
}

}  // namespace spillway::data
