// What holds for every operator: the original comes back, equal draws give equal bytes, valid text
// stays valid, clusters stay whole, turns fit.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <thread>

#include "configs/error.hpp"
#include "data/mutate/graphemes.hpp"
#include "data/mutate/operator.hpp"
#include "tests/data/mutate/samples.hpp"

namespace spillway::data {
namespace {

const MemoryPool& pool() {
  static const MemoryPool kPool(prose());
  return kPool;
}

std::vector<Sample> samples_of_every_kind(RandomKey key) {
  std::vector<Sample> all = prose();
  for (const Sample& sample : prose()) all.push_back(salted(sample, key, 12));
  for (int i = 0; i < 6; ++i) all.push_back(text(random_unicode(key, 1 + key.below(300))));
  all.push_back(text(""));
  for (const char* one : {"a", "\n", "字", " ", "\u0301"}) all.push_back(text(one));
  all.push_back(
      text("The file is \xFF\xFE open. \xE4\xB8 It is \xC0\xAF not closed, and \xED\xA0\x80 was 12 "
           "bytes.\x80"));
  all.push_back(text(std::string("nul\0 is in the text and it can be here.", 38)));
  all.push_back(dialogue({"", "", "The answer is 42."}));
  all.push_back(dialogue({"e\u0301", "\u0301x is not y", "👨‍👩‍👧 is a family"}));
  for (std::size_t i = 0; i < all.size(); ++i) all[i].id = 1000 + i;
  return all;
}

void check_turns_fit(const Sample& mutant) {
  std::uint32_t at = 0;
  for (const Turn& turn : mutant.turns) {
    ASSERT_LE(at, turn.begin);
    ASSERT_LE(turn.begin, turn.end);
    ASSERT_LE(turn.end, mutant.bytes.size());
    ASSERT_FALSE(turn.role.empty());
    at = turn.end;
  }
}

/// Edits start and end where clusters of the original do, and the edits give it back.
void check_edits(const Sample& sample, const Sample& mutant) {
  ASSERT_EQ(undo(mutant.bytes, mutant.provenance.edits), sample.bytes);
  std::size_t original = 0, at = 0;
  for (const Edit& edit : mutant.provenance.edits.edits) {
    ASSERT_TRUE(edit.mutant_length > 0 || !edit.original.empty());
    original += edit.mutant_begin - at;
    ASSERT_TRUE(is_grapheme_boundary(sample.bytes, original)) << "byte " << original;
    original += edit.original.size();
    ASSERT_TRUE(is_grapheme_boundary(sample.bytes, original)) << "byte " << original;
    at = edit.mutant_begin + edit.mutant_length;
  }
}

void check_mutant(const Operator& op, const Sample& sample, const Sample& mutant, RandomKey key) {
  ASSERT_TRUE(mutant.bytes != sample.bytes || op.name() == "swap_roles");
  check_edits(sample, mutant);
  check_turns_fit(mutant);
  ASSERT_TRUE(op.raw() || !is_utf8(sample.bytes) || is_utf8(mutant.bytes));
  ASSERT_EQ(mutant.id, sample.id);
  ASSERT_EQ(mutant.language, sample.language);
  ASSERT_EQ(mutant.category, op.category());
  ASSERT_EQ(mutant.provenance.base_id, sample.id);
  ASSERT_EQ(mutant.provenance.operator_name, op.name());
  ASSERT_EQ(mutant.provenance.key, key.value());
  const auto again = op.apply(sample, RandomKey(mutant.provenance.key), pool());
  ASSERT_TRUE(again && again->bytes == mutant.bytes);
}

TEST(Operators, HoldTheirPromisesOnSamplesOfEveryKind) {
  const std::vector<Sample> samples = samples_of_every_kind(RandomKey(11));
  for (const auto& op : operators()) {
    for (const Sample& sample : samples) {
      for (std::uint64_t draw = 0; draw < 12; ++draw) {
        const RandomKey key = RandomKey(3).split(sample.id).split(draw);
        const auto mutant = op->apply(sample, key, pool());
        if (!mutant) continue;
        SCOPED_TRACE(std::string(op->name()) + ", draw " + std::to_string(draw) + ", sample " +
                     testing::PrintToString(sample.bytes));
        check_mutant(*op, sample, *mutant, key);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(Operators, EachAppliesToSomeOfTheProse) {
  for (const auto& op : operators()) {
    int applied = 0;
    for (const Sample& sample : prose())
      applied += op->apply(sample, RandomKey(1), pool()).has_value();
    EXPECT_GT(applied, 0) << op->name();
  }
}

TEST(Operators, DifferentKeysGiveDifferentMutants) {
  for (const auto& op : operators()) {
    std::set<std::string> mutants;
    for (const Sample& sample : prose()) {
      for (std::uint64_t draw = 0; draw < 30; ++draw) {
        if (const auto mutant = op->apply(sample, RandomKey(draw), pool()))
          mutants.insert(mutant->bytes);
      }
    }
    EXPECT_GE(mutants.size(), 2U) << op->name();
  }
}

TEST(Operators, DoNotNeedAPool) {
  const MemoryPool empty({});
  for (const auto& op : operators()) {
    for (const Sample& sample : prose()) {
      const auto mutant = op->apply(sample, RandomKey(2), empty);
      if (mutant) check_edits(sample, *mutant);
    }
  }
}

TEST(Operators, GiveTheSameBytesOnManyThreads) {
  const auto run = [] {
    std::string all;
    for (const auto& op : operators()) {
      for (const Sample& sample : prose()) {
        if (const auto mutant = op->apply(sample, RandomKey(9), pool())) all += mutant->bytes;
      }
    }
    return all;
  };
  std::string first, second;
  std::thread one([&] { first = run(); }), two([&] { second = run(); });
  one.join();
  two.join();
  EXPECT_EQ(first, second);
  EXPECT_EQ(first, run());
}

TEST(Operators, NamesAreUniqueAndEveryMutationCategoryHasTwo) {
  std::set<std::string_view> names;
  std::map<Category, int> count;
  for (const auto& op : operators()) {
    EXPECT_TRUE(names.insert(op->name()).second) << op->name();
    EXPECT_FALSE(op->meaning().empty());
    if (!op->raw()) ++count[op->category()];
  }
  for (std::size_t i = static_cast<std::size_t>(Category::long_context); i < kCategories; ++i) {
    EXPECT_GE(count[static_cast<Category>(i)], 2) << to_string(static_cast<Category>(i));
  }
}

std::string message_of(std::string_view list) {
  try {
    select_operators(list);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::input);
    return error.what();
  }
  return "";
}

TEST(SelectOperators, TakesNamesCategoriesAndAll) {
  EXPECT_EQ(select_operators("toggle_negation").size(), 1U);
  EXPECT_EQ(select_operators(" toggle_negation , toggle_negation ").size(), 1U);
  for (const Operator* op : select_operators("grammar"))
    EXPECT_EQ(op->category(), Category::grammar);
  const std::size_t both = select_operators("grammar,contradiction").size();
  EXPECT_EQ(both, select_operators("grammar").size() + select_operators("contradiction").size());
  for (const Operator* op : select_operators("all")) EXPECT_FALSE(op->raw());
  for (const Operator* op : select_operators("raw")) EXPECT_TRUE(op->raw());
  EXPECT_EQ(select_operators("all,raw").size(), operators().size());
}

TEST(SelectOperators, ProposesTheNearestName) {
  EXPECT_NE(message_of("togle_negation").find("did you mean \"toggle_negation\""),
            std::string::npos);
  EXPECT_NE(message_of("grammer").find("did you mean \"grammar\""), std::string::npos);
  EXPECT_NE(message_of("zzzzzzzzzzzz").find("corpus operators"), std::string::npos);
  EXPECT_FALSE(message_of("").empty());
  EXPECT_FALSE(message_of(" , ").empty());
}

}  // namespace
}  // namespace spillway::data
