#include "data/corpus/sample.hpp"

#include "configs/error.hpp"

namespace spillway::data {

const char* to_string(Category category) {
  constexpr const char* kNames[kCategories] = {
      "text",        "dialogue", "long_context", "mutated_dialogue", "special_characters",
      "concurrency", "grammar",  "ambiguity",    "contradiction"};
  return kNames[static_cast<std::size_t>(category)];
}

const char* to_string(LabelEffect effect) {
  constexpr const char* kNames[] = {"preserve", "invert", "conflict", "undefined"};
  return kNames[static_cast<std::size_t>(effect)];
}

void check_turns(const Sample& sample) {
  std::uint32_t at = 0;
  for (const Turn& turn : sample.turns) {
    if (turn.begin < at || turn.end < turn.begin || turn.end > sample.bytes.size()) {
      fail_input("sample of " + sample.origin + ": turn [" + std::to_string(turn.begin) + ", " +
                 std::to_string(turn.end) + ") does not follow byte " + std::to_string(at) +
                 " within " + std::to_string(sample.bytes.size()) + " bytes");
    }
    at = turn.end;
  }
}

}  // namespace spillway::data
