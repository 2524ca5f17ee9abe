#include "data/mutate/edit_builder.hpp"

#include <utility>

#include "configs/error.hpp"

namespace spillway::data {
namespace {

/// Maps ascending original positions to mutant positions. `after_insertion`: an insertion right at
/// the position comes before the result.
class PositionMap {
 public:
  explicit PositionMap(const std::vector<Edit>& edits) : edits_(edits) {}

  std::size_t map(std::size_t at, bool after_insertion) const {
    std::size_t original = 0, mutant = 0;  // ends of the last edit passed
    for (const Edit& edit : edits_) {
      const std::size_t begin = original + (edit.mutant_begin - mutant);
      const std::size_t end = begin + edit.original.size();
      if (begin > at || (begin == at && !(after_insertion && end == at))) break;
      const std::size_t mutant_end = edit.mutant_begin + edit.mutant_length;
      if (end > at) return after_insertion ? mutant_end : edit.mutant_begin;
      original = end;
      mutant = mutant_end;
    }
    return mutant + (at - original);
  }

 private:
  const std::vector<Edit>& edits_;
};

}  // namespace

EditBuilder::EditBuilder(const Sample& sample) : sample_(sample) {
  bytes_.reserve(sample.bytes.size() + sample.bytes.size() / 8 + 64);
}

void EditBuilder::replace(std::size_t begin, std::size_t end, std::string_view text) {
  const std::string_view original = sample_.bytes;
  if (begin < copied_ || end < begin || end > original.size()) {
    fail("edit of bytes [" + std::to_string(begin) + ", " + std::to_string(end) + ") after byte " +
         std::to_string(copied_) + " of a sample of " + std::to_string(original.size()) + " bytes");
  }
  if (original.substr(begin, end - begin) == text) return;
  const bool touches = !edits_.empty() && begin == copied_;
  bytes_.append(original.substr(copied_, begin - copied_));
  if (!touches) edits_.push_back({bytes_.size(), 0, {}});
  edits_.back().mutant_length += text.size();
  edits_.back().original.append(original.substr(begin, end - begin));
  bytes_.append(text);
  copied_ = end;
}

std::vector<Turn> EditBuilder::moved_turns() const {
  std::vector<Turn> turns = sample_.turns;
  const PositionMap positions(edits_);
  for (std::size_t i = 0; i < turns.size(); ++i) {
    const Turn& original = sample_.turns[i];
    const bool touching = i + 1 < turns.size() && sample_.turns[i + 1].begin == original.end;
    turns[i].begin = static_cast<std::uint32_t>(positions.map(original.begin, false));
    turns[i].end = static_cast<std::uint32_t>(positions.map(original.end, !touching));
  }
  return turns;
}

std::optional<Sample> EditBuilder::finish(const Operator& by, RandomKey key,
                                          LabelEffect effect) && {
  if (edits_.empty()) return std::nullopt;
  bytes_.append(sample_.bytes, copied_, std::string::npos);
  if (bytes_ == sample_.bytes) return std::nullopt;
  Sample mutant;
  mutant.bytes = std::move(bytes_);
  if (!sample_.turns.empty()) mutant.turns = moved_turns();
  mutant.provenance.edits.edits = std::move(edits_);
  return as_mutant(std::move(mutant), sample_, by, key, effect);
}

Sample as_mutant(Sample mutant, const Sample& original, const Operator& by, RandomKey key,
                 LabelEffect effect) {
  mutant.id = original.id;
  mutant.category = by.category();
  mutant.language = original.language;
  mutant.origin = original.origin;
  mutant.provenance.base_id = original.id;
  mutant.provenance.operator_name = by.name();
  mutant.provenance.key = key.value();
  mutant.provenance.label_effect = effect;
  return mutant;
}

}  // namespace spillway::data
