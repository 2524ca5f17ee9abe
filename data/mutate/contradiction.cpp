// Logical contradictions: one place says the opposite of what it said, or a statement and its
// denial stand in one text.
#include <algorithm>

#include "data/mutate/categories.hpp"
#include "data/mutate/edit_builder.hpp"
#include "data/mutate/statements.hpp"
#include "data/mutate/substitution.hpp"
#include "data/mutate/word_lists.hpp"

namespace spillway::data {
namespace {

constexpr OperatorInfo info(std::string_view name, std::string_view meaning, LabelEffect effect) {
  return {name, Category::contradiction, meaning, effect};
}

/// Copies a statement with one change to behind a sentence at or after it; the first stays, so that
/// the text holds both.
class ConflictingCopy : public DescribedOperator {
 public:
  using Change = std::optional<std::string> (*)(std::string_view sentence, RandomKey& key);
  ConflictingCopy(const OperatorInfo& about, Change change)
      : DescribedOperator(about), change_(change) {}

  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool&) const override {
    RandomKey draws = stream(key);
    const std::vector<Span> all = sentences_in_turns(sample);
    if (all.empty()) return std::nullopt;
    const std::size_t first = draws.below(all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::size_t chosen = (first + i) % all.size();
      const std::string_view sentence = all[chosen].in(sample.bytes);
      const auto denial = change_(sentence, draws);
      if (!denial) continue;
      const std::size_t place = chosen + draws.below(std::min<std::size_t>(all.size() - chosen, 4));
      const std::string gap(sentence_gap(all[place].in(sample.bytes)));
      EditBuilder builder(sample);
      builder.insert(all[place].end, gap + *denial);
      return std::move(builder).finish(*this, key, effect());
    }
    return std::nullopt;
  }

 private:
  Change change_;
};

}  // namespace

OperatorList contradiction_operators() {
  OperatorList list;
  const auto flip = [&](std::string_view name, std::string_view meaning, const PhraseTable& table) {
    list.push_back(std::make_unique<PhraseSubstitution>(info(name, meaning, LabelEffect::invert),
                                                        EditCount{1, 1}, table));
  };
  flip("toggle_negation", "one statement is negated, or its negation removed", negations());
  flip("use_antonym", "one word becomes its opposite", antonyms());
  flip("flip_quantifier", "always becomes never, at least becomes at most", quantifier_flips());
  flip("reverse_order", "before becomes after, first becomes last", order_flips());
  list.push_back(std::make_unique<ConflictingCopy>(
      info("state_and_deny", "a statement and its negation stand in one text",
           LabelEffect::conflict),
      negated));
  list.push_back(std::make_unique<ConflictingCopy>(
      info("conflicting_number", "a statement comes again with another number",
           LabelEffect::conflict),
      renumbered));
  return list;
}

}  // namespace spillway::data
