#include "data/mutate/padding.hpp"

#include <algorithm>

#include "data/mutate/characters.hpp"
#include "data/mutate/graphemes.hpp"
#include "data/mutate/words.hpp"

namespace spillway::data {
namespace {

constexpr int kDraws = 24;         // until a pool is taken to have nothing fit
constexpr int kLanguageDraws = 6;  // of them, those that wait for the same language
constexpr std::size_t kBlankWithin = 24;

}  // namespace

std::size_t cut_near(std::string_view text, std::size_t at) {
  at = next_clean_cut(text, at);
  for (std::size_t blank = at; blank < std::min(text.size(), at + kBlankWithin); ++blank) {
    if (blank > 0 && is_blank(text[blank - 1]) && is_clean_cut(text, blank)) return blank;
  }
  return at;
}

std::optional<Sample> draw_other(const SamplePool& pool, const Sample& sample, RandomKey& key,
                                 Fits fits) {
  std::optional<Sample> foreign;
  for (int draw = 0; draw < kDraws && pool.size() > 0; ++draw) {
    if (draw >= kLanguageDraws && foreign) break;
    Sample candidate = pool.get(key.below(pool.size()));
    if (candidate.id == sample.id || candidate.bytes.empty() || !fits(candidate)) continue;
    if (candidate.language == sample.language) return candidate;
    if (!foreign) foreign = std::move(candidate);
  }
  return foreign;
}

Padding::Padding(const SamplePool& pool, const Sample& except, RandomKey key)
    : pool_(pool), except_(except.id), language_(except.language), key_(key) {}

std::string Padding::next_text() {
  Sample like;
  like.id = except_;
  like.language = language_;
  auto drawn = draw_other(pool_, like, key_,
                          [](const Sample& candidate) { return is_utf8(candidate.bytes); });
  return drawn ? std::move(drawn->bytes) : std::string();
}

std::string Padding::take(std::size_t bytes) {
  std::string filler;
  filler.reserve(bytes + 64);
  while (filler.size() < bytes) {
    const std::string text = next_text();
    if (text.empty()) return {};
    if (!filler.empty()) filler += "\n\n";
    const std::size_t wanted = bytes > filler.size() ? bytes - filler.size() : 0;
    filler.append(text, 0, wanted < text.size() ? cut_near(text, wanted) : text.size());
  }
  return filler;
}

}  // namespace spillway::data
