#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include "data/corpus/corpus_writer.hpp"
#include "data/mutate/random_key.hpp"

namespace spillway::data {

/// A text sample of 1 to `longest` random bytes, every third a dialogue of two or three turns,
/// every fifth with edits.
inline Sample random_sample(std::uint64_t number, std::uint64_t longest = 300) {
  RandomKey key = RandomKey(77).split(number);
  Sample sample{.language = number % 4 == 0 ? "zh" : "en",
                .origin = "file.txt:" + std::to_string(number)};
  for (std::uint64_t left = 1 + key.below(longest); left > 0; --left)
    sample.bytes.push_back(static_cast<char>(key.below(256)));
  const auto size = static_cast<std::uint32_t>(sample.bytes.size());
  if (number % 3 == 0 && size > 4) {
    sample.category = Category::dialogue;
    sample.turns = {
        {0, size / 3, "user"}, {size / 3 + 1, size / 2, "assistant"}, {size / 2, size, "user"}};
  }
  if (number % 5 == 0) {
    sample.provenance.key = key.next();
    sample.provenance.label_effect = LabelEffect::conflict;
    sample.provenance.edits.edits = {{0, 0, "deleted"}, {0, 1, ""}};
  }
  return sample;
}

/// A corpus of random samples at `dir`.
inline Manifest build_random_corpus(const std::filesystem::path& dir, std::uint64_t samples,
                                    std::uint64_t shard_bytes = 1 << 20,
                                    std::uint64_t longest = 300) {
  CorpusWriter writer({.out = dir, .shard_bytes = shard_bytes});
  for (std::uint64_t i = 0; i < samples; ++i) writer.append(random_sample(i, longest));
  return writer.seal();
}

}  // namespace spillway::data
