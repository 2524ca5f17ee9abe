#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "data/mutate/described_operator.hpp"

namespace spillway::data {

/// Least length of a long-context sample; a token is a byte.
inline constexpr std::size_t kLongContextBytes = 4096;

/// A sample padded with others to a length, into which sentences are planted and behind which a
/// question is put. The padding stands before and behind the base, which stays in one piece but for
/// what is planted into it; in a dialogue all of it stands at the start of the first turn (a pasted
/// document).
class Haystack {
 public:
  /// Pads to `bytes` (within 1 %, when the base is shorter). The base begins at a drawn place, or
  /// first when `base_first`.
  Haystack(const Sample& base, const SamplePool& pool, std::size_t bytes, RandomKey& key,
           bool base_first = false);

  /// Whether the padded text has at least kLongContextBytes; false when the pool gave nothing.
  bool is_long() const { return text_.size() >= kLongContextBytes; }
  bool is_padded() const { return !padding_.empty() || !tail_.empty(); }
  /// The padded text before anything is planted.
  const std::string& text() const { return text_; }

  /// Plants a sentence at relative depth 0 to 1, moved by at most 1 % of the length and 400 bytes
  /// to a sentence end, a blank, or a clean cut.
  void plant(double depth, std::string sentence) {
    plant_at(place_near(depth), std::move(sentence));
  }
  /// Plants at this clean cut of text().
  void plant_at(std::size_t at, std::string sentence);
  /// The last clean cut at or before byte `at` where something may be planted.
  std::size_t place_before(std::size_t at) const;

  /// The mutant; question and answer (when not empty) stand behind it, in a dialogue as two turns.
  std::optional<Sample> finish(const DescribedOperator& by, RandomKey key, LabelEffect effect,
                               std::string_view question = {}, std::string_view answer = {}) const;

 private:
  struct Planted {
    std::size_t at;
    std::string sentence;
  };
  std::size_t place_near(double depth) const;
  bool may_plant(std::size_t at) const;
  /// Bytes [begin, end) of text_ with what is planted in [first_place, end].
  std::string planted_text(std::size_t begin, std::size_t end, std::size_t first_place) const;

  const Sample& base_;
  std::string text_;       ///< base before the split, padding, base behind it, tail
  std::size_t split_ = 0;  ///< byte of the base before which the padding stands
  std::string padding_, tail_;
  std::vector<Planted> planted_;
};

}  // namespace spillway::data
