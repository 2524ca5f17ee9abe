#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "data/mutate/turn_units.hpp"
#include "tests/data/mutate/samples.hpp"

namespace spillway::data {
namespace {

using Texts = std::vector<std::string>;

const MemoryPool& pool() {
  static const MemoryPool kPool(prose());
  return kPool;
}

Texts turns(const Sample& sample) {
  Texts all;
  for (const Turn& turn : sample.turns)
    all.push_back(sample.bytes.substr(turn.begin, turn.end - turn.begin));
  return all;
}

Texts roles(const Sample& sample) {
  Texts all;
  for (const Turn& turn : sample.turns) all.push_back(turn.role);
  return all;
}

const Sample& three() {
  static const Sample kThree = [] {
    Sample sample = dialogue({"Is it a dog?", "It is not a dog. It is a cat.", "I see, thanks."});
    sample.id = 77;
    return sample;
  }();
  return kThree;
}

/// Applies the operator under many keys.
template <class Check>
void for_draws(std::string_view name, const Sample& sample, const Check& check) {
  for (std::uint64_t draw = 0; draw < 40; ++draw) {
    const auto mutant = find_operator(name).apply(sample, RandomKey(draw), pool());
    if (mutant) check(*mutant);
  }
}

TEST(Dialogue, DroppedTurnIsGoneWithItsSeparator) {
  for_draws("drop_turn", three(), [](const Sample& mutant) {
    ASSERT_EQ(mutant.turns.size(), 2U);
    const Texts left = turns(mutant);
    EXPECT_EQ(mutant.bytes, left[0] + "\n" + left[1]);
    for (const std::string& turn : left) EXPECT_NE(std::ranges::count(turns(three()), turn), 0);
  });
}

TEST(Dialogue, SwappedTurnsKeepTheirRoles) {
  for_draws("swap_adjacent_turns", three(), [](const Sample& mutant) {
    Texts expected = turns(three()), expected_roles = roles(three());
    const std::size_t first = turns(mutant)[0] == expected[0] ? 1 : 0;
    std::swap(expected[first], expected[first + 1]);
    std::swap(expected_roles[first], expected_roles[first + 1]);
    EXPECT_EQ(turns(mutant), expected);
    EXPECT_EQ(roles(mutant), expected_roles);
    EXPECT_EQ(mutant.bytes, expected[0] + "\n" + expected[1] + "\n" + expected[2]);
  });
}

TEST(Dialogue, SwappedRolesAreThoseOfTheOtherSide) {
  for_draws("swap_roles", three(), [](const Sample& mutant) {
    EXPECT_EQ(roles(mutant), (Texts{"assistant", "user", "assistant"}));
    EXPECT_EQ(turns(mutant), turns(three()));
  });
}

TEST(Dialogue, WrittenRolesAreSwappedInTheText) {
  Sample written = text("user: Hi\nassistant: Hello\nuser: Bye");
  written.turns = {{6, 8, "user"}, {20, 25, "assistant"}, {32, 35, "user"}};
  const auto mutant = find_operator("swap_roles").apply(written, RandomKey(1), pool());
  ASSERT_TRUE(mutant);
  EXPECT_EQ(mutant->bytes, "assistant: Hi\nuser: Hello\nassistant: Bye");
  EXPECT_EQ(turns(*mutant), (Texts{"Hi", "Hello", "Bye"}));
  EXPECT_EQ(undo(mutant->bytes, mutant->provenance.edits), written.bytes);
}

TEST(Dialogue, OneSidedDialoguesHaveNoRolesToSwap) {
  Sample sample = dialogue({"a", "b"});
  sample.turns[1].role = "user";
  EXPECT_FALSE(find_operator("swap_roles").apply(sample, RandomKey(1), pool()));
}

TEST(Dialogue, DuplicatedTurnComesTwoOrThreeTimes) {
  for_draws("duplicate_turn", three(), [](const Sample& mutant) {
    std::map<std::string, int> count;
    for (const std::string& turn : turns(mutant)) ++count[turn];
    int repeated = 0;
    for (const auto& [turn, times] : count) repeated += times > 1;
    EXPECT_EQ(repeated, 1);
    EXPECT_EQ(count.size(), 3U);
    EXPECT_TRUE(mutant.turns.size() == 4 || mutant.turns.size() == 5);
  });
}

TEST(Dialogue, MergedConversationsKeepBothOrders) {
  for_draws("merge_conversations", three(), [](const Sample& mutant) {
    Texts own, other;
    for (const std::string& turn : turns(mutant)) {
      (std::ranges::count(turns(three()), turn) > 0 ? own : other).push_back(turn);
    }
    EXPECT_EQ(own, turns(three()));
    ASSERT_GE(other.size(), 2U);
    const bool is_prefix = std::ranges::any_of(prose(), [&](const Sample& sample) {
      const Texts whole = turns(sample);
      return whole.size() >= other.size() && std::equal(other.begin(), other.end(), whole.begin());
    });
    EXPECT_TRUE(is_prefix);
  });
}

TEST(Dialogue, CutTurnIsAPrefix) {
  for_draws("cut_turn", three(), [](const Sample& mutant) {
    int shorter = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_TRUE(turns(three())[i].starts_with(turns(mutant)[i]));
      shorter += turns(mutant)[i] != turns(three())[i];
    }
    EXPECT_EQ(shorter, 1);
  });
}

TEST(Dialogue, RevisionStandsInALaterTurnOfTheSameSpeaker) {
  const Sample sample = dialogue({"I have 3 cats.", "Nice.", "Good night."});
  int revised = 0;
  for_draws("revise_later", sample, [&](const Sample& mutant) {
    const std::string last = turns(mutant)[2];
    EXPECT_TRUE(last.starts_with("I have ") && last.ends_with(" cats. Good night.")) << last;
    EXPECT_EQ(turns(mutant)[0], "I have 3 cats.");
    ++revised;
  });
  EXPECT_GT(revised, 20);
}

TEST(Dialogue, TextsWithoutTurnsAreNoDialogues) {
  for (const Operator* op : select_operators("mutated_dialogue")) {
    EXPECT_FALSE(op->apply(prose()[0], RandomKey(1), pool())) << op->name();
  }
}

TEST(TurnUnits, TakeWhatStandsOnTheLineBeforeATurn) {
  Sample written = text("A: Hi\n\nB: Hello");
  written.turns = {{3, 5, "user"}, {10, 15, "assistant"}};
  const TurnUnits units(written);
  EXPECT_EQ(units.text(0), "A: Hi");
  EXPECT_EQ(units.text(1), "B: Hello");
  EXPECT_EQ(units.separator(0), "\n\n");
  EXPECT_EQ(units.separator(1), "\n\n");
}

}  // namespace
}  // namespace spillway::data
