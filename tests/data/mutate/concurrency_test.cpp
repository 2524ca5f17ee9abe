#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "tests/data/mutate/samples.hpp"

namespace spillway::data {
namespace {

const MemoryPool& pool() {
  static const MemoryPool kPool(prose());
  return kPool;
}

template <class Check>
void for_mutants(std::string_view name, const Check& check) {
  int checked = 0;
  for (std::size_t i = 0; i < prose().size(); ++i) {
    Sample sample = prose()[i];
    sample.id = i;
    for (std::uint64_t draw = 0; draw < 20; ++draw) {
      const auto mutant = find_operator(name).apply(sample, RandomKey(draw), pool());
      if (!mutant) continue;
      check(sample, *mutant);
      ++checked;
    }
  }
  EXPECT_GT(checked, 30) << name;
}

bool is_subsequence(std::string_view part, std::string_view whole) {
  std::size_t at = 0;
  for (const char c : whole) at += at < part.size() && part[at] == c;
  return at == part.size();
}

std::string inserted(const Sample& mutant) {
  std::string all;
  for (const Edit& edit : mutant.provenance.edits.edits)
    all += mutant.bytes.substr(edit.mutant_begin, edit.mutant_length);
  return all;
}

TEST(Concurrency, TheLogHasTwoChangesOfOneVersionAndTheTextOnlyTheSecond) {
  static const std::regex kEntry(
      "[0-9]{2}:[0-9]{2}:[0-9]{2} (\\w+) v([0-9]+) \\(read v([0-9]+)\\): \"([^\"]+)\" -> "
      "\"([^\"]+)\"\n");
  for_mutants("lost_update", [](const Sample& sample, const Sample& mutant) {
    std::vector<std::smatch> entries;
    for (std::sregex_iterator at(mutant.bytes.begin(), mutant.bytes.end(), kEntry), end; at != end;
         ++at)
      entries.push_back(*at);
    ASSERT_EQ(entries.size(), 2U);
    EXPECT_NE(entries[0][1], entries[1][1]) << "two writers";
    EXPECT_EQ(entries[0][3], entries[1][3]) << "both read the same version";
    const auto body_begin =
        static_cast<std::size_t>(entries[1].position(0) + entries[1].length(0)) + 1;
    const std::string body = mutant.bytes.substr(body_begin), from = entries[1][4],
                      to = entries[1][5];
    std::string expected = sample.bytes;
    bool found = false;
    for (std::size_t at = sample.bytes.find(from); at != std::string::npos && !found;
         at = sample.bytes.find(from, at + 1)) {
      found = std::string(sample.bytes).replace(at, from.size(), to) == body;
    }
    EXPECT_TRUE(found) << "the text is the original with exactly the second change";
  });
}

TEST(Concurrency, InterleavedWritersKeepBothOrders) {
  for_mutants("interleave_writers", [](const Sample& sample, const Sample& mutant) {
    EXPECT_TRUE(is_subsequence(sample.bytes, mutant.bytes));
    const std::string other = inserted(mutant);
    EXPECT_TRUE(std::ranges::any_of(prose(), [&](const Sample& candidate) {
      return candidate.bytes != sample.bytes &&
             is_subsequence(other, " " + std::regex_replace(candidate.bytes,
                                                            std::regex("([.。？！])\\s*"), "$1 "));
    })) << other;
  });
}

TEST(Concurrency, ATornWriteIsNewUpToAWriteUnitAndOldBehindIt) {
  for_mutants("torn_write", [](const Sample& sample, const Sample& mutant) {
    const Edit& edit = mutant.provenance.edits.edits.at(0);
    ASSERT_EQ(edit.mutant_begin, 0U);
    const std::string head = mutant.bytes.substr(0, edit.mutant_length);
    EXPECT_TRUE(std::ranges::any_of(
        prose(), [&](const Sample& candidate) { return candidate.bytes.starts_with(head); }));
    EXPECT_TRUE(sample.bytes.ends_with(mutant.bytes.substr(edit.mutant_length)));
    EXPECT_LT(edit.original.size() % 16, 8U) << "near a multiple of the unit";
  });
}

TEST(Concurrency, ConflictMarkersHoldOurSentenceAndTheirs) {
  static const std::regex kConflict("<<<<<<< (\\w+)\n([^]*)\n=======\n([^]*)\n>>>>>>> (\\w+)");
  for_mutants("conflict_markers", [](const Sample& sample, const Sample& mutant) {
    std::smatch match;
    ASSERT_TRUE(std::regex_search(mutant.bytes, match, kConflict));
    EXPECT_NE(sample.bytes.find(match[2]), std::string::npos);
    EXPECT_NE(match[2], match[3]);
    EXPECT_NE(match[1], match[4]);
  });
}

TEST(Concurrency, AStaleRecordIsOlderAndWrittenLater) {
  static const std::regex kRecord("\\[record ([0-9]+), v([0-9]+), (\\w+), ([0-9:]{8})\\] ");
  for_mutants("stale_record", [](const Sample&, const Sample& mutant) {
    std::vector<std::smatch> records;
    for (std::sregex_iterator at(mutant.bytes.begin(), mutant.bytes.end(), kRecord), end; at != end;
         ++at)
      records.push_back(*at);
    ASSERT_EQ(records.size(), 2U);
    EXPECT_EQ(records[0][1], records[1][1]);
    EXPECT_EQ(std::stoi(records[0][2]), std::stoi(records[1][2]) + 1);
    EXPECT_LT(records[0][4].str(), records[1][4].str());
  });
}

TEST(Concurrency, ARetriedWriteIsTheTextTwoToFourTimes) {
  for_mutants("retried_write", [](const Sample& sample, const Sample& mutant) {
    const std::size_t times = (mutant.bytes.size() + 1) / (sample.bytes.size() + 1);
    EXPECT_TRUE(times >= 2 && times <= 4);
    std::string expected = sample.bytes;
    for (std::size_t i = 1; i < times; ++i) expected += "\n" + sample.bytes;
    EXPECT_EQ(mutant.bytes, expected);
  });
}

TEST(Concurrency, RacedTurnsAreAPermutationWithFewInversions) {
  const Sample sample = dialogue({"t0", "t1", "t2", "t3", "t4", "t5"});
  for (std::uint64_t draw = 0; draw < 60; ++draw) {
    const auto mutant = find_operator("race_turns").apply(sample, RandomKey(draw), pool());
    ASSERT_TRUE(mutant);
    std::vector<std::size_t> order;
    for (const Turn& turn : mutant->turns) {
      order.push_back(static_cast<std::size_t>(mutant->bytes[turn.begin + 1] - '0'));
      EXPECT_EQ(turn.role, order.back() % 2 ? "assistant" : "user");
    }
    int inversions = 0;
    for (std::size_t i = 0; i < order.size(); ++i) {
      for (std::size_t j = i + 1; j < order.size(); ++j) inversions += order[i] > order[j];
    }
    EXPECT_TRUE(inversions >= 1 && inversions <= 4) << inversions;
    std::ranges::sort(order);
    EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3, 4, 5}));
  }
}

}  // namespace
}  // namespace spillway::data
