#include "parallel/pipeline/held_activations.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "parallel/pipeline/recompute.hpp"
#include "parallel/pipeline/schedules/dual_pipe_v.hpp"
#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "parallel/pipeline/schedules/zb_h1.hpp"
#include "parallel/pipeline/validate.hpp"
#include "tests/parallel/pipeline/schedule_text.hpp"

namespace spillway::pipeline {
namespace {

/// A quarter of an activation is kept.
const std::vector<double> kQuarter(8, 0.25);

TEST(HeldActivations, WithoutRecomputationAreThoseOfTheSimulator) {
  for (const Schedule& schedule : {one_f_one_b(4, 7), zb_h1(4, 7)}) {
    for (const auto& actions : schedule.ranks) {
      EXPECT_EQ(most_held(actions, kQuarter), most_activations(actions));
    }
  }
}

TEST(HeldActivations, OfOneFOneBAreWhatIsKeptAndOneWholeOne) {
  // Rank r has min(m, p - r) micro-batches in flight, one of them recomputed.
  const Schedule schedule = with_recompute(one_f_one_b(4, 7));
  for (int rank = 0; rank < 4; ++rank) {
    EXPECT_DOUBLE_EQ(most_held(schedule.ranks[static_cast<std::size_t>(rank)], kQuarter),
                     0.25 * (4 - rank) + 0.75)
        << rank;
  }
}

TEST(HeldActivations, WithoutTrainingEndWithTheirForward) {
  EXPECT_EQ(most_held(from_text("0F0 0F1 0F2").ranks[0], kQuarter), 1);
}

TEST(EarlyWeightGradients, ComeWhereTheCapAsksForThemOldestFirst) {
  const Schedule late = from_text("0F0 0F1 0F2 0R0 0I0 0R1 0I1 0R2 0I2 0W2 0W1 0W0");
  const auto moved = [&](double cap) {
    return to_text(with_early_weight_gradients(late, kQuarter, {cap}));
  };
  EXPECT_EQ(moved(3), "0F0 0F1 0F2 0R0 0I0 0R1 0I1 0R2 0I2 0W2 0W1 0W0\n");
  EXPECT_EQ(moved(2.5), "0F0 0F1 0F2 0R0 0I0 0R1 0I1 0W0 0R2 0I2 0W2 0W1\n");
  EXPECT_EQ(moved(1.5), "0F0 0F1 0F2 0R0 0I0 0W0 0R1 0I1 0W1 0R2 0I2 0W2\n");
  // Too little in any order: the order of the forwards stands.
  EXPECT_EQ(most_held(with_early_weight_gradients(late, kQuarter, {1}).ranks[0], kQuarter), 1.5);
}

TEST(EarlyWeightGradients, KeepSchedulesValidAndUnderEveryCapThatTheForwardsAllow) {
  for (const auto& [schedule, chunks] :
       {std::pair{zb_h1(4, 9), 1}, std::pair{dual_pipe_v(4, 9), 2}}) {
    const Schedule repeated = with_recompute(schedule);
    for (const double cap : {1.75, 2.0, 2.6, 3.1, 6.0}) {
      const Schedule moved =
          with_early_weight_gradients(repeated, kQuarter, std::vector<double>(4, cap));
      EXPECT_NO_THROW(validate(moved, {.ranks = 4, .chunks = chunks, .microbatches = 9}));
      for (std::size_t rank = 0; rank < 4; ++rank) {
        // With all weight gradients at once nothing but the forwards and one recompute is held.
        const Schedule least =
            with_early_weight_gradients(repeated, kQuarter, std::vector<double>(4, 0.0));
        EXPECT_LE(most_held(moved.ranks[rank], kQuarter),
                  std::max(cap, most_held(least.ranks[rank], kQuarter)) + 1e-9)
            << "rank " << rank << ", cap " << cap;
      }
    }
  }
}

}  // namespace
}  // namespace spillway::pipeline
