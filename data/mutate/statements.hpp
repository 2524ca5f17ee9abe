#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/mutate/random_key.hpp"
#include "data/mutate/words.hpp"

namespace spillway::data {

/// Another number of the same order, never equal to `digits` (1 to 9 decimal digits).
std::string other_number(std::string_view digits, RandomKey& key);

/// `sentence` with one statement in it negated, or its negation removed; nothing when it has none.
std::optional<std::string> negated(std::string_view sentence, RandomKey& key);

/// `sentence` with another number in place of one of its; nothing when it has none.
std::optional<std::string> renumbered(std::string_view sentence, RandomKey& key);

/// `sentence` with one place changed so that both cannot be true: a number, a negation, an antonym,
/// a quantifier or an order, drawn among the kinds that apply. Nothing when none applies.
std::optional<std::string> contradicted(std::string_view sentence, RandomKey& key);

/// `sentence` (a span of `text`) said otherwise: contradicted(), else with one of its words
/// (English words of at least four letters, or two Han characters) replaced by another of the text.
/// Nothing when the text has no second word.
std::optional<std::string> reworded(std::string_view text, Span sentence, RandomKey& key);

/// The content words of `text` within `range`: English words of at least four lower-case letters,
/// then pairs of Han characters side by side.
std::vector<Span> content_words(std::string_view text, Span range);

/// What stands between a sentence and one that is put after it: nothing after Chinese punctuation,
/// else a blank.
std::string_view sentence_gap(std::string_view sentence);

}  // namespace spillway::data
