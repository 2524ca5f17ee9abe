#include "data/mutate/mutator.hpp"

#include <algorithm>
#include <numeric>
#include <string>

#include "configs/error.hpp"
#include "data/mutate/described_operator.hpp"

namespace spillway::data {
namespace {

constexpr double kUnit = 1 << 30;  // weights are integers, so that every machine draws alike

std::size_t index_of(Category category) { return static_cast<std::size_t>(category); }

void check_share(const char* what, double share) {
  if (!(share >= 0.0 && share <= 1.0)) {
    fail_input(std::string(what) + " = " + std::to_string(share) +
               " is out of range; valid: 0 to 1");
  }
}

/// Draws an index by weight; the weights must not all be zero.
template <class Weights>
std::size_t draw_by_weight(const Weights& weights, RandomKey& key) {
  std::uint64_t left = key.below(std::accumulate(weights.begin(), weights.end(), std::uint64_t{0}));
  std::size_t i = 0;
  while (left >= weights[i]) left -= weights[i++];
  return i;
}

}  // namespace

Mutator::Mutator(const std::vector<const Operator*>& operators, const SamplePool& quotes,
                 MutationShares shares)
    : quotes_(quotes) {
  check_share("long context share", shares.long_context);
  check_share("share of dialogues", shares.dialogues);
  for (const Operator* op : operators) operators_[index_of(op->category())].push_back(op);
  text_weights_ = weights(shares, false);
  dialogue_weights_ = weights(shares, true);
}

Mutator::Weights Mutator::weights(MutationShares shares, bool dialogue) const {
  constexpr std::size_t kLong = static_cast<std::size_t>(Category::long_context),
                        kTurns = static_cast<std::size_t>(Category::mutated_dialogue);
  const auto selected = static_cast<double>(
      std::ranges::count_if(operators_, [](const auto& list) { return !list.empty(); }));
  const bool has_long = !operators_[kLong].empty(), has_turns = !operators_[kTurns].empty();
  const double others = selected - (has_long ? 1 : 0);
  const double long_part = !has_long ? 0 : others == 0 ? 1 : shares.long_context;
  const double rest = 1 - long_part;
  double turn_part = 0;
  if (has_turns && dialogue) {
    const double owed = rest / others;
    turn_part = others == 1 ? rest : std::min(rest, owed / std::max(shares.dialogues, 1e-9));
  }
  const double plain = others - (has_turns ? 1 : 0);
  Weights result{};
  for (std::size_t i = 0; i < kCategories; ++i) {
    if (operators_[i].empty()) continue;
    const double part = i == kLong    ? long_part
                        : i == kTurns ? turn_part
                                      : (rest - turn_part) / plain;
    result[i] = static_cast<std::uint64_t>(part * kUnit);
  }
  return result;
}

std::optional<Sample> Mutator::mutate(const Sample& sample, RandomKey key) const {
  RandomKey draws = stream_of(key, "choice of an operator");
  Weights left = sample.turns.empty() ? text_weights_ : dialogue_weights_;
  while (std::ranges::any_of(left, [](std::uint64_t weight) { return weight > 0; })) {
    const std::size_t category = draw_by_weight(left, draws);
    std::vector<const Operator*> untried = operators_[category];
    while (!untried.empty()) {
      const std::size_t chosen = draws.below(untried.size());
      if (auto mutant = untried[chosen]->apply(sample, key, quotes_)) return mutant;
      untried[chosen] = untried.back();
      untried.pop_back();
    }
    left[category] = 0;
  }
  return std::nullopt;
}

}  // namespace spillway::data
