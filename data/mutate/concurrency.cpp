// Concurrency conflicts: what texts look like after two writers met without a lock.
#include <algorithm>
#include <array>
#include <cstdio>
#include <numeric>

#include "data/mutate/categories.hpp"
#include "data/mutate/characters.hpp"
#include "data/mutate/edit_builder.hpp"
#include "data/mutate/graphemes.hpp"
#include "data/mutate/padding.hpp"
#include "data/mutate/statements.hpp"
#include "data/mutate/turn_units.hpp"

namespace spillway::data {
namespace {

constexpr OperatorInfo info(std::string_view name, std::string_view meaning,
                            LabelEffect effect = LabelEffect::conflict) {
  return {name, Category::concurrency, meaning, effect};
}

constexpr std::array<std::string_view, 8> kWriters{"ada",  "bo",  "chen", "dora",
                                                   "emil", "fei", "gita", "hugo"};
constexpr std::size_t kMostRecord = 1200;  // bytes of a sentence that is repeated

/// Two writers that differ, a time, and a version number.
struct Meeting {
  std::string_view first, second;
  std::uint64_t second_of_day, version, record;
};

Meeting draw_meeting(RandomKey& key) {
  const std::uint64_t first = key.below(kWriters.size()), step = 1 + key.below(kWriters.size() - 1);
  return {kWriters[first], kWriters[(first + step) % kWriters.size()], key.below(86000),
          2 + key.below(40), 100 + key.below(900)};
}

std::string clock(std::uint64_t second_of_day) {
  char text[16];
  std::snprintf(
      text, sizeof text, "%02u:%02u:%02u", static_cast<unsigned>(second_of_day / 3600) % 24,
      static_cast<unsigned>(second_of_day / 60) % 60, static_cast<unsigned>(second_of_day % 60));
  return text;
}

/// Where something may be put before everything: the start, in a dialogue of the first turn.
std::size_t front(const Sample& sample) { return sample.turns.empty() ? 0 : sample.turns[0].begin; }

std::optional<Span> draw_sentence(const Sample& sample, RandomKey& key) {
  std::vector<Span> all = sentences_in_turns(sample);
  std::erase_if(all, [](const Span& sentence) { return sentence.size() > kMostRecord; });
  if (all.empty()) return std::nullopt;
  return all[key.below(all.size())];
}

/// Two writers changed a word each of the same version; the text shows only the second change, the
/// log both.
class LostUpdate : public DescribedOperator {
 public:
  using DescribedOperator::DescribedOperator;
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool&) const override {
    RandomKey draws = stream(key);
    const std::string_view text = sample.bytes;
    const std::vector<Span> all = content_words(text, {0, static_cast<std::uint32_t>(text.size())});
    if (all.empty()) return std::nullopt;
    std::array<Span, 4> words{};
    for (Span& word : words) word = all[draws.below(all.size())];
    const auto [lost, lost_by, kept, kept_by] = words;
    if (lost.begin == kept.begin || lost.in(text) == lost_by.in(text) ||
        kept.in(text) == kept_by.in(text))
      return std::nullopt;
    TurnCursor turns(sample);
    if (!turns.covers(kept.begin, kept.end) || kept.begin < front(sample) ||
        !is_clean_cut(text, front(sample)))
      return std::nullopt;
    const Meeting meeting = draw_meeting(draws);
    std::string log = entry(meeting, 0, lost.in(text), lost_by.in(text)) +
                      entry(meeting, 1, kept.in(text), kept_by.in(text));
    EditBuilder builder(sample);
    builder.insert(front(sample), log + "\n");
    builder.replace(kept.begin, kept.end, kept_by.in(text));
    return std::move(builder).finish(*this, key, effect());
  }

 private:
  static std::string entry(const Meeting& meeting, std::uint64_t later, std::string_view from,
                           std::string_view to) {
    std::string line = clock(meeting.second_of_day + later * 2) + " " +
                       std::string(later ? meeting.second : meeting.first);
    line += " v" + std::to_string(meeting.version + later) + " (read v" +
            std::to_string(meeting.version - 1) + "): \"";
    return line.append(from).append("\" -> \"").append(to).append("\"\n");
  }
};

/// A second writer's sentences between the sample's own; both orders are kept.
class InterleaveWriters : public DescribedOperator {
 public:
  using DescribedOperator::DescribedOperator;
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool& pool) const override {
    if (!sample.turns.empty()) return std::nullopt;
    RandomKey draws = stream(key);
    const auto other = draw_other(pool, sample, draws, [](const Sample& candidate) {
      return candidate.turns.empty() && is_utf8(candidate.bytes);
    });
    if (!other) return std::nullopt;
    const std::vector<std::string> pieces = pieces_of(other->bytes, 2 + draws.below(7));
    const std::vector<std::size_t> places = places_in(sample.bytes);
    if (pieces.empty() || places.empty()) return std::nullopt;
    EditBuilder builder(sample);
    std::size_t place = 0;
    for (const std::string& piece : pieces) {
      if (place + 1 < places.size())
        place += draws.below(std::min<std::size_t>(places.size() - place, 4));
      builder.insert(places[place], piece);
    }
    return std::move(builder).finish(*this, key, effect());
  }

 private:
  /// Up to `most` first sentences with the blank before them; the whole text (cut) when it has
  /// none.
  static std::vector<std::string> pieces_of(std::string_view text, std::size_t most) {
    std::vector<std::string> pieces;
    for (const Span sentence : sentences(text)) {
      if (pieces.size() == most) break;
      pieces.push_back(" " + std::string(sentence.in(text)));
    }
    if (pieces.empty())
      pieces.push_back(" " + std::string(text.substr(
                                 0, cut_near(text, std::min<std::size_t>(text.size(), 200)))));
    return pieces;
  }

  static std::vector<std::size_t> places_in(std::string_view text) {
    std::vector<std::size_t> places;
    for (const Span sentence : sentences(text)) places.push_back(sentence.end);
    if (places.size() < 2) {
      places.clear();
      for (const Span word : words(text)) places.push_back(word.end);
    }
    return places;
  }
};

/// The start of a newer text over the old one, torn at a multiple of the write unit (the largest of
/// 4096, 512, 64 and 16 bytes that fits).
class TornWrite : public DescribedOperator {
 public:
  using DescribedOperator::DescribedOperator;
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool& pool) const override {
    if (!sample.turns.empty()) return std::nullopt;
    RandomKey draws = stream(key);
    const auto newer = draw_other(pool, sample, draws, [](const Sample& candidate) {
      return candidate.turns.empty() && is_utf8(candidate.bytes);
    });
    if (!newer) return std::nullopt;
    const std::size_t both = std::min(sample.bytes.size(), newer->bytes.size());
    for (const std::size_t unit :
         {std::size_t{4096}, std::size_t{512}, std::size_t{64}, std::size_t{16}}) {
      if (both <= unit) continue;
      const std::size_t torn = unit * (1 + draws.below((both - 1) / unit));
      const std::size_t old_begin = next_clean_cut(sample.bytes, torn),
                        new_end = clean_cut_before(newer->bytes, torn);
      EditBuilder builder(sample);
      builder.replace(0, old_begin, std::string_view(newer->bytes).substr(0, new_end));
      return std::move(builder).finish(*this, key, effect());
    }
    return std::nullopt;
  }

 private:
  static std::size_t clean_cut_before(std::string_view text, std::size_t at) {
    while (at > 0 && !is_clean_cut(text, at)) --at;
    return at;
  }
};

/// One sentence as a merge leaves it when both sides changed it.
class ConflictMarkers : public DescribedOperator {
 public:
  using DescribedOperator::DescribedOperator;
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool&) const override {
    RandomKey draws = stream(key);
    const auto sentence = draw_sentence(sample, draws);
    if (!sentence) return std::nullopt;
    const auto theirs = reworded(sample.bytes, *sentence, draws);
    if (!theirs) return std::nullopt;
    const Meeting meeting = draw_meeting(draws);
    std::string before =
        sentence->begin > 0 && sample.bytes[sentence->begin - 1] != '\n' ? "\n" : "";
    before.append("<<<<<<< ").append(meeting.first).append("\n");
    std::string behind = "\n=======\n" + *theirs + "\n>>>>>>> ";
    behind.append(meeting.second);
    if (sentence->end < sample.bytes.size() && sample.bytes[sentence->end] != '\n') behind += '\n';
    EditBuilder builder(sample);
    builder.insert(sentence->begin, before);
    builder.insert(sentence->end, behind);
    return std::move(builder).finish(*this, key, effect());
  }
};

/// A sentence as a record, and behind it an older version of the same record that was written
/// later.
class StaleRecord : public DescribedOperator {
 public:
  using DescribedOperator::DescribedOperator;
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool&) const override {
    RandomKey draws = stream(key);
    const auto sentence = draw_sentence(sample, draws);
    if (!sentence) return std::nullopt;
    const auto stale = reworded(sample.bytes, *sentence, draws);
    if (!stale) return std::nullopt;
    const Meeting meeting = draw_meeting(draws);
    EditBuilder builder(sample);
    builder.insert(sentence->begin, head(meeting, 0));
    builder.insert(sentence->end, std::string(sentence_gap(sentence->in(sample.bytes))) +
                                      head(meeting, 1) + *stale);
    return std::move(builder).finish(*this, key, effect());
  }

 private:
  static std::string head(const Meeting& meeting, std::uint64_t later) {
    return "[record " + std::to_string(meeting.record) + ", v" +
           std::to_string(meeting.version - later) + ", " +
           std::string(later ? meeting.second : meeting.first) + ", " +
           clock(meeting.second_of_day + 3 * later) + "] ";
  }
};

/// A write that was tried again although it had been done: the text two to four times.
class RetriedWrite : public DescribedOperator {
 public:
  using DescribedOperator::DescribedOperator;
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool&) const override {
    const std::string& text = sample.bytes;
    if (!sample.turns.empty() || text.empty() || text.size() > kMostRecord ||
        !is_clean_cut(text, text.size()))
      return std::nullopt;
    std::string again;
    for (std::uint64_t left = 1 + stream(key).below(3); left > 0; --left)
      again.append("\n").append(text);
    EditBuilder builder(sample);
    builder.insert(text.size(), again);
    return std::move(builder).finish(*this, key, effect());
  }
};

/// Turns in the order in which they arrived over a racing network: one to four neighbouring pairs
/// changed places.
class RaceTurns : public DescribedOperator {
 public:
  using DescribedOperator::DescribedOperator;
  std::optional<Sample> apply(const Sample& sample, RandomKey key,
                              const SamplePool&) const override {
    if (sample.turns.size() < 3) return std::nullopt;
    RandomKey draws = stream(key);
    const TurnUnits units(sample);
    std::vector<PlacedUnit> order;
    order.reserve(units.size());
    for (std::size_t i = 0; i < units.size(); ++i) order.push_back({&units, i});
    // Only pairs that are still in order are swapped, so that k swaps are k inversions.
    for (std::uint64_t left = 1 + draws.below(4); left > 0; --left) {
      const std::size_t i = draws.below(order.size() - 1);
      if (order[i].index < order[i + 1].index) std::swap(order[i], order[i + 1]);
    }
    return with_units(sample, units, 0, units.size() - 1, order, *this, key, effect());
  }
};

}  // namespace

OperatorList concurrency_operators() {
  OperatorList list;
  list.push_back(std::make_unique<LostUpdate>(
      info("lost_update", "the log has two changes, the text only the second")));
  list.push_back(std::make_unique<InterleaveWriters>(
      info("interleave_writers", "a second writer's sentences between its own")));
  list.push_back(std::make_unique<TornWrite>(
      info("torn_write", "newer text up to a write unit, older text behind it")));
  list.push_back(std::make_unique<ConflictMarkers>(
      info("conflict_markers", "a sentence as an unresolved merge leaves it")));
  list.push_back(std::make_unique<StaleRecord>(
      info("stale_record", "a record, then an older version of it written later")));
  list.push_back(std::make_unique<RetriedWrite>(
      info("retried_write", "the text two to four times", LabelEffect::preserve)));
  list.push_back(std::make_unique<RaceTurns>(
      info("race_turns", "turns of a dialogue in the order of a race")));
  return list;
}

}  // namespace spillway::data
