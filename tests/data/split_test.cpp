#include "data/order/split.hpp"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "configs/error.hpp"

namespace spillway::data {
namespace {

TEST(Split, EverySampleIsOnOneSideAndMutantsFollowTheirBase) {
  for (const std::uint64_t samples : {100, 101, 250, 399, 400}) {
    const Split split(samples, 100, 0.13);
    std::map<std::uint64_t, int> train;
    for (std::uint64_t t = 0; t < split.train_size(); ++t) {
      if (const auto id = split.train_id(t)) ++train[*id];
    }
    EXPECT_LT(train.rbegin()->first, samples);
    std::set<std::uint64_t> validation;
    for (std::uint64_t i = 0; i < split.validation_size(); ++i)
      validation.insert(split.validation_id(i));
    EXPECT_EQ(validation.size(), 13u);
    for (std::uint64_t id = 0; id < samples; ++id) {
      const bool held_out = validation.contains(id % 100);
      EXPECT_EQ(split.held_out(id % 100), held_out);
      EXPECT_EQ(train.contains(id) ? train[id] : 0, held_out ? 0 : 1) << id << " of " << samples;
    }
  }
}

TEST(Split, ALargerShareHoldsOutASuperset) {
  const Split small(1000, 1000, 0.01), large(1000, 1000, 0.5);
  EXPECT_EQ(small.validation_size(), 10u);
  EXPECT_EQ(large.validation_size(), 500u);
  for (std::uint64_t i = 0; i < 10; ++i) EXPECT_TRUE(large.held_out(small.validation_id(i)));
}

TEST(Split, TinyCorporaKeepBothSidesAndNoneMeansNone) {
  EXPECT_EQ(Split(2, 2, 0.01).validation_size(), 1u);
  EXPECT_EQ(Split(2, 2, 0.5).train_size(), 1u);
  EXPECT_EQ(Split(1, 1, 0.5).validation_size(), 0u);
  EXPECT_EQ(Split(9, 9, 0).validation_size(), 0u);
  EXPECT_THROW(Split(9, 0, 0.1), Error);
  EXPECT_THROW(Split(9, 10, 0.1), Error);
  EXPECT_THROW(Split(9, 9, 0.6), Error);
}

class NumberedPool : public SamplePool {
 public:
  std::uint64_t size() const override { return 40; }
  Sample get(std::uint64_t index) const override { return {.id = index}; }
};

TEST(TrainingPool, GivesEachBaseSampleThatIsNeverHeldOut) {
  const NumberedPool base;
  const TrainingPool pool(base, 20, 0.5);
  const Split split(40, 20, 0.3);
  std::set<std::uint64_t> ids;
  for (std::uint64_t i = 0; i < pool.size(); ++i) ids.insert(pool.get(i).id);
  EXPECT_EQ(ids.size(), 10u);
  for (const std::uint64_t id : ids) {
    EXPECT_LT(id, 20u);
    EXPECT_FALSE(split.held_out(id));
  }
}

}  // namespace
}  // namespace spillway::data
