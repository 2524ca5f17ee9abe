// Dialogues that went wrong: turns lost, repeated, swapped, answered by the wrong side, mixed with
// another conversation, taken back.
#include <algorithm>
#include <numeric>

#include "data/mutate/categories.hpp"
#include "data/mutate/characters.hpp"
#include "data/mutate/edit_builder.hpp"
#include "data/mutate/graphemes.hpp"
#include "data/mutate/padding.hpp"
#include "data/mutate/statements.hpp"
#include "data/mutate/turn_units.hpp"

namespace spillway::data {
namespace {

constexpr OperatorInfo info(std::string_view name, std::string_view meaning, LabelEffect effect) {
  return {name, Category::mutated_dialogue, meaning, effect};
}

/// An operator on turns: needs `least` of them.
class TurnOperator : public DescribedOperator {
 public:
  TurnOperator(const OperatorInfo& about, std::size_t least)
      : DescribedOperator(about), least_(least) {}
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool& pool) const override {
    if (sample.turns.size() < least_) return std::nullopt;
    return change(sample, TurnUnits(sample), key, pool);
  }

 protected:
  virtual std::optional<Sample> change(const Sample& sample, const TurnUnits& units, RandomKey key,
                                       const SamplePool& pool) const = 0;

 private:
  std::size_t least_;
};

class DropTurn : public TurnOperator {
 public:
  using TurnOperator::TurnOperator;
  std::optional<Sample> change(const Sample& sample, const TurnUnits& units, RandomKey key,
                               const SamplePool&) const override {
    const std::size_t gone = stream(key).below(units.size());
    // The turn goes with what separates it from its neighbour.
    const bool is_last = gone + 1 == units.size();
    const std::size_t begin = is_last ? units.unit(gone - 1).end : units.unit(gone).begin;
    const std::size_t end = is_last ? units.unit(gone).end : units.unit(gone + 1).begin;
    EditBuilder builder(sample);
    builder.erase(begin, end);
    auto mutant = std::move(builder).finish(*this, key, effect());
    if (mutant) mutant->turns.erase(mutant->turns.begin() + static_cast<std::ptrdiff_t>(gone));
    return mutant;
  }
};

class SwapAdjacentTurns : public TurnOperator {
 public:
  using TurnOperator::TurnOperator;
  std::optional<Sample> change(const Sample& sample, const TurnUnits& units, RandomKey key,
                               const SamplePool&) const override {
    const std::size_t i = stream(key).below(units.size() - 1);
    return with_units(sample, units, i, i + 1, {{&units, i + 1}, {&units, i}}, *this, key,
                      effect());
  }
};

/// Every turn is ascribed to the other side. Where roles are written out before the turns, the
/// written ones change too; otherwise only the turn table does.
class SwapRoles : public TurnOperator {
 public:
  using TurnOperator::TurnOperator;
  std::optional<Sample> change(const Sample& sample, const TurnUnits& units, RandomKey key,
                               const SamplePool&) const override {
    const std::string& first = sample.turns[0].role;
    const auto other =
        std::ranges::find_if(sample.turns, [&](const Turn& turn) { return turn.role != first; });
    if (other == sample.turns.end()) return std::nullopt;
    const auto other_index = static_cast<std::size_t>(other - sample.turns.begin());
    EditBuilder builder(sample);
    for (std::size_t i = 0; i < units.size(); ++i) {
      const std::string& role = sample.turns[i].role;
      if (role != first && role != other->role) continue;
      builder.replace(units.unit(i).begin, sample.turns[i].begin,
                      mark(sample, units, role == first ? other_index : 0));
    }
    auto mutant = std::move(builder).finish(*this, key, effect());
    if (!mutant) {
      Sample same = sample;
      same.provenance = {};
      mutant = as_mutant(std::move(same), sample, *this, key, effect());
    }
    for (Turn& turn : mutant->turns) {
      if (turn.role == first) {
        turn.role = other->role;
      } else if (turn.role == other->role) {
        turn.role = first;
      }
    }
    return mutant;
  }

 private:
  static std::string_view mark(const Sample& sample, const TurnUnits& units, std::size_t i) {
    return Span{units.unit(i).begin, sample.turns[i].begin}.in(sample.bytes);
  }
};

class DuplicateTurn : public TurnOperator {
 public:
  using TurnOperator::TurnOperator;
  std::optional<Sample> change(const Sample& sample, const TurnUnits& units, RandomKey key,
                               const SamplePool&) const override {
    RandomKey draws = stream(key);
    const std::size_t i = draws.below(units.size());
    const std::vector<PlacedUnit> copies(2 + draws.below(2), PlacedUnit{&units, i});
    return with_units(sample, units, i, i, copies, *this, key, effect());
  }
};

/// Two conversations in one: a run of another one's turns, each put at a drawn place, in order.
class MergeConversations : public TurnOperator {
 public:
  using TurnOperator::TurnOperator;
  std::optional<Sample> change(const Sample& sample, const TurnUnits& units, RandomKey key,
                               const SamplePool& pool) const override {
    RandomKey draws = stream(key);
    const auto other = draw_other(pool, sample, draws, [](const Sample& candidate) {
      return candidate.turns.size() >= 2 && is_utf8(candidate.bytes);
    });
    if (!other) return std::nullopt;
    const TurnUnits others(*other);
    std::size_t own_left = units.size(),
                other_left = std::min<std::size_t>(others.size(), 2 + draws.below(5));
    std::vector<PlacedUnit> merged;
    for (std::size_t own_next = 0, other_next = 0; own_left + other_left > 0;) {
      const bool is_own = draws.below(own_left + other_left) < own_left;
      merged.push_back(is_own ? PlacedUnit{&units, own_next++} : PlacedUnit{&others, other_next++});
      --(is_own ? own_left : other_left);
    }
    return with_units(sample, units, 0, units.size() - 1, merged, *this, key, effect());
  }
};

/// A turn ends in the middle of a word or sentence.
class CutTurn : public TurnOperator {
 public:
  using TurnOperator::TurnOperator;
  std::optional<Sample> change(const Sample& sample, const TurnUnits&, RandomKey key,
                               const SamplePool&) const override {
    RandomKey draws = stream(key);
    const Turn& turn = sample.turns[draws.below(sample.turns.size())];
    if (turn.end - turn.begin < 8) return std::nullopt;
    const std::size_t length = turn.end - turn.begin;
    const std::size_t at =
        next_clean_cut(sample.bytes, turn.begin + length / 4 + draws.below(length / 2));
    if (at >= turn.end) return std::nullopt;
    EditBuilder builder(sample);
    builder.erase(at, turn.end);
    return std::move(builder).finish(*this, key, effect());
  }
};

/// A later turn takes back what an earlier one said: its sentence comes again, contradicted.
class ReviseLater : public TurnOperator {
 public:
  using TurnOperator::TurnOperator;
  std::optional<Sample> change(const Sample& sample, const TurnUnits& units, RandomKey key,
                               const SamplePool&) const override {
    RandomKey draws = stream(key);
    const std::vector<Span> all = sentences_in_turns(sample, 6);
    const std::size_t first = all.empty() ? 0 : draws.below(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      const Span sentence = all[(first + i) % all.size()];
      const std::size_t turn = turn_of(sample, sentence);
      const std::string_view words = sentence.in(sample.bytes);
      if (words.ends_with('?') || words.ends_with("？")) continue;
      const auto denial = contradicted(words, draws);
      if (!denial) continue;
      std::size_t later = turn + 2;
      while (later + 2 < units.size() && draws.below(2)) later += 2;
      if (later >= units.size()) continue;
      const std::size_t at = sample.turns[later].begin;
      if (!is_clean_cut(sample.bytes, at)) continue;
      EditBuilder builder(sample);
      builder.insert(at, *denial + std::string(sentence_gap(words)));
      return std::move(builder).finish(*this, key, effect());
    }
    return std::nullopt;
  }

 private:
  static std::size_t turn_of(const Sample& sample, Span sentence) {
    std::size_t turn = 0;
    while (sample.turns[turn].end < sentence.end) ++turn;
    return turn;
  }
};

}  // namespace

OperatorList dialogue_operators() {
  OperatorList list;
  const auto effect = LabelEffect::undefined;
  list.push_back(std::make_unique<DropTurn>(info("drop_turn", "one turn is missing", effect), 2));
  list.push_back(std::make_unique<SwapAdjacentTurns>(
      info("swap_adjacent_turns", "two neighbouring turns change places", effect), 2));
  list.push_back(std::make_unique<SwapRoles>(
      info("swap_roles", "every turn is ascribed to the other side", effect), 2));
  list.push_back(std::make_unique<DuplicateTurn>(
      info("duplicate_turn", "one turn comes two or three times, as after a retry",
           LabelEffect::preserve),
      1));
  list.push_back(std::make_unique<MergeConversations>(
      info("merge_conversations", "turns of another conversation between its own",
           LabelEffect::conflict),
      2));
  list.push_back(
      std::make_unique<CutTurn>(info("cut_turn", "one turn ends in the middle", effect), 2));
  list.push_back(std::make_unique<ReviseLater>(
      info("revise_later", "a later turn contradicts an earlier one", LabelEffect::conflict), 3));
  return list;
}

}  // namespace spillway::data
