#pragma once

#include "data/mutate/phrase_table.hpp"

namespace spillway::data {

// Word lists, English and Chinese in one table each.

// Grammar.
const PhraseTable& disagreeing_verbs();   ///< "is" -> "are", "he needs" -> "he need"
const PhraseTable& wrong_articles();      ///< "a" -> "an" or nothing
const PhraseTable& wrong_prepositions();  ///< "in" -> "on"; 在 -> 从
const PhraseTable& homophones();          ///< "its" -> "it's"; 在 -> 再
const PhraseTable& verb_forms();       ///< bare verbs and forms that cannot follow "to" or a modal
const PhraseTable& wrong_particles();  ///< 的, 地, 得
const PhraseTable& wrong_measure_words();  ///< 一本书 -> 一张书

// Contradiction.
const PhraseTable& negations();         ///< "is" <-> "is not"; 是 <-> 不是
const PhraseTable& antonyms();          ///< "increase" <-> "decrease"; 增加 <-> 减少
const PhraseTable& quantifier_flips();  ///< "always" <-> "never"; 总是 <-> 从不
const PhraseTable& order_flips();       ///< "before" <-> "after"; 之前 <-> 之后

// Ambiguity.
const PhraseTable&
nouns();  ///< common nouns that a pronoun may stand for; alternatives: the pronoun
const PhraseTable& units();  ///< units whose loss leaves a bare number

}  // namespace spillway::data
