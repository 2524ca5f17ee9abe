#include "data/mutate/character_edit.hpp"

#include <algorithm>

#include "data/mutate/characters.hpp"
#include "data/mutate/edit_builder.hpp"
#include "data/mutate/graphemes.hpp"
#include "data/mutate/words.hpp"

namespace spillway::data {
namespace {

bool is_insertion_point(std::string_view text, std::size_t at) {
  if (!is_clean_cut(text, at)) return false;
  return at == 0 || is_blank(text[at - 1]) || is_han(character_before(text, at).value);
}

/// The first insertion point at or after `from`, inside a turn; text.size() + 1 when there is none.
std::size_t find_insertion_point(const Sample& sample, std::size_t from) {
  TurnCursor turns(sample);
  for (std::size_t at = from; at <= sample.bytes.size(); ++at) {
    if (turns.covers(at, at) && is_insertion_point(sample.bytes, at)) return at;
  }
  return sample.bytes.size() + 1;
}

/// Edits from byte `at` on, with uniform steps of mean `gap`; false when no place was fit.
bool walk(const Sample& sample, CharacterEdit::Write write, std::size_t at, std::uint64_t gap,
          RandomKey& draws, EditBuilder& builder) {
  const std::string_view text = sample.bytes;
  TurnCursor turns(sample);
  CharacterChange change;
  bool edited = false;
  while (at < text.size()) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) {  // inside a sequence
      ++at;
      continue;
    }
    change.end = at;
    change.text.clear();
    if (write(text, at, draws, change) && is_grapheme_boundary(text, at) &&
        turns.covers(at, change.end)) {
      builder.replace(at, change.end, change.text);
      edited = true;
      at = std::max(at + 1, change.end) + draws.below(2 * gap - 1);
    } else {
      ++at;
    }
  }
  return edited;
}

}  // namespace

std::optional<Sample> CharacterEdit::apply(const Sample& sample, RandomKey key,
                                           const SamplePool&) const {
  if (sample.bytes.empty()) return std::nullopt;
  RandomKey draws = stream(key);
  const std::uint64_t gap = 16ULL << draws.below(3);
  const std::size_t start = draws.below(std::min<std::uint64_t>(2 * gap, sample.bytes.size()));
  EditBuilder builder(sample);
  if (!walk(sample, write_, start, gap, draws, builder))
    walk(sample, write_, 0, gap, draws, builder);
  return std::move(builder).finish(*this, key, effect());
}

std::vector<std::size_t> insertion_points(const Sample& sample, std::uint64_t count,
                                          RandomKey& key) {
  std::vector<std::size_t> points;
  const std::size_t size = sample.bytes.size();
  for (std::uint64_t i = 0; i < count; ++i) {
    std::size_t at = find_insertion_point(sample, key.below(size + 1));
    if (at > size) at = find_insertion_point(sample, 0);
    if (at <= size) points.push_back(at);
  }
  std::sort(points.begin(), points.end());
  points.erase(std::unique(points.begin(), points.end()), points.end());
  return points;
}

std::optional<Sample> StringInsertion::apply(const Sample& sample, RandomKey key,
                                             const SamplePool&) const {
  RandomKey draws = stream(key);
  EditBuilder builder(sample);
  for (const std::size_t at : insertion_points(sample, 1 + draws.below(most_), draws)) {
    std::string text = draw_(draws);
    const bool spaced = at < sample.bytes.size() && !is_blank(sample.bytes[at]) &&
                        !is_han(character_at(sample.bytes, at).value);
    builder.insert(at, spaced ? text + " " : text);
  }
  return std::move(builder).finish(*this, key, effect());
}

}  // namespace spillway::data
