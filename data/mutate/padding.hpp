#pragma once

#include <string>
#include <string_view>

#include "data/mutate/operator.hpp"

namespace spillway::data {

/// Fills with other samples of a pool: whole texts one after another, joined by empty lines, those
/// of one language first. Malformed and empty texts are passed over, so that valid text stays
/// valid.
class Padding {
 public:
  /// `except` is the id of a sample that is not quoted.
  Padding(const SamplePool& pool, const Sample& except, RandomKey key);

  /// At least `bytes` bytes, and no more than needed to end at a blank or a clean cut; empty when
  /// the pool gives nothing.
  std::string take(std::size_t bytes);

 private:
  std::string next_text();

  const SamplePool& pool_;
  std::uint64_t except_;
  std::string language_;
  RandomKey key_;
};

/// The first clean cut at or after byte `at`, after a blank when one comes within 24 bytes.
std::size_t cut_near(std::string_view text, std::size_t at);

/// A sample of the pool other than `sample` that `fits`, of the same language when a few draws find
/// one; nothing after 24 draws without.
using Fits = bool (*)(const Sample& candidate);
std::optional<Sample> draw_other(const SamplePool& pool, const Sample& sample, RandomKey& key,
                                 Fits fits);

}  // namespace spillway::data
