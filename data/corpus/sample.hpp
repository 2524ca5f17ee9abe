#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/mutate/edit_script.hpp"

namespace spillway::data {

/// What kind of input a sample is. The first two are what sources give; the rest are the mutation
/// categories.
enum class Category : std::uint8_t {
  text,
  dialogue,
  long_context,
  mutated_dialogue,
  special_characters,
  concurrency,
  grammar,
  ambiguity,
  contradiction,
};
inline constexpr std::size_t kCategories = 9;
const char* to_string(Category category);

/// One turn of a dialogue: bytes [begin, end) of the sample.
struct Turn {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  std::string role = {};  ///< "user", "assistant", "system"
};

/// How a mutation changes what the sample says.
enum class LabelEffect : std::uint8_t { preserve, invert, conflict, undefined };
const char* to_string(LabelEffect effect);

/// How a mutated sample came to be: everything needed to make it again and to undo it.
struct Provenance {
  std::uint64_t base_id = 0;       ///< id of the sample it was made of, in the base corpus
  std::string operator_name = {};  ///< "swap_adjacent_turns"; empty: not mutated
  std::uint64_t key = 0;           ///< of the random stream that the operator drew from
  EditScript edits = {};           ///< gives the original back
  LabelEffect label_effect = LabelEffect::preserve;
};

/// One sample: UTF-8 bytes (raw lanes may hold invalid sequences), where it came from, and for
/// dialogues its turns.
struct Sample {
  std::uint64_t id = 0;
  std::string bytes = {};
  Category category = Category::text;
  std::string language = "en";   ///< "en", "zh", ...
  std::string origin = {};       ///< path in the source and line: "admin-guide/README.rst:12"
  std::vector<Turn> turns = {};  ///< empty unless a dialogue
  Provenance provenance = {};
};

/// Throws Error(input) unless the turns ascend, do not overlap and lie within the bytes. Bytes
/// between turns belong to none (sources join turns by a newline).
void check_turns(const Sample& sample);

}  // namespace spillway::data
