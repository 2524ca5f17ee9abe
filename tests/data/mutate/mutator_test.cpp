#include "data/mutate/mutator.hpp"

#include <gtest/gtest.h>

#include <map>

#include "configs/error.hpp"
#include "tests/data/mutate/samples.hpp"

namespace spillway::data {
namespace {

/// Shares of the categories among mutants of the pool's samples.
std::map<Category, double> shares(const Mutator& mutator, const SamplePool& pool,
                                  std::uint64_t mutants) {
  std::map<Category, double> shares;
  for (std::uint64_t i = 0; i < mutants; ++i) {
    const auto mutant = mutator.mutate(pool.get(i % pool.size()), RandomKey(77).split(i));
    if (mutant) shares[mutant->category] += 1.0 / static_cast<double>(mutants);
  }
  return shares;
}

TEST(Mutator, GivesEachCategoryItsShare) {
  const MemoryPool pool(prose());
  const auto found = shares(Mutator(select_operators("all"), pool, 0.05), pool, 6000);
  ASSERT_EQ(found.size(), 7U);
  for (const auto& [category, share] : found) {
    EXPECT_NEAR(share, category == Category::long_context ? 0.05 : 0.95 / 6, 0.02)
        << to_string(category);
  }
}

TEST(Mutator, GivesScarceCategoriesWhatThereIsAndKeepsLongContextsToTheirShare) {
  std::vector<Sample> mostly_texts;
  for (int i = 0; i < 190; ++i) mostly_texts.push_back(prose()[static_cast<std::size_t>(i) % 2]);
  for (int i = 0; i < 10; ++i) mostly_texts.push_back(prose()[5]);
  const MemoryPool pool(std::move(mostly_texts));
  const auto found = shares(Mutator(select_operators("all"), pool, 0.02), pool, 8000);
  EXPECT_NEAR(found.at(Category::long_context), 0.02, 0.006);
  EXPECT_GT(found.at(Category::mutated_dialogue), 0.03) << "of 0.05 that are dialogues";
  for (const Category category :
       {Category::special_characters, Category::grammar, Category::contradiction}) {
    EXPECT_NEAR(found.at(category), 0.19, 0.02) << to_string(category);
  }
}

TEST(Mutator, IsAPureFunctionOfSampleAndKey) {
  const MemoryPool pool(prose());
  const Mutator one(select_operators("all"), pool), two(select_operators("all"), pool);
  for (std::uint64_t i = 0; i < 200; ++i) {
    const auto a = one.mutate(prose()[i % prose().size()], RandomKey(i)),
               b = two.mutate(prose()[i % prose().size()], RandomKey(i));
    ASSERT_TRUE(a && b);
    EXPECT_EQ(a->bytes, b->bytes);
  }
}

TEST(Mutator, GivesNothingWhereNoOperatorApplies) {
  const MemoryPool pool(prose()), empty({});
  EXPECT_FALSE(
      Mutator(select_operators("mutated_dialogue"), pool).mutate(prose()[0], RandomKey(1)));
  EXPECT_TRUE(Mutator(select_operators("all"), empty).mutate(prose()[0], RandomKey(1)));
  EXPECT_THROW(Mutator(select_operators("all"), pool, -0.1), Error);
}

TEST(Mutator, NeverMakesLongContextsAtShareNought) {
  const MemoryPool pool(prose());
  EXPECT_FALSE(shares(Mutator(select_operators("all"), pool, 0.0), pool, 2000)
                   .contains(Category::long_context));
}

}  // namespace
}  // namespace spillway::data
