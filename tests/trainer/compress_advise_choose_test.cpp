#include "trainer/commands/compress_advise_choose.hpp"

#include <gtest/gtest.h>

namespace spillway::trainer {
namespace {

ExchangeCost cost(double compute_seconds, std::int64_t payload_bytes) {
  ExchangeCost one{.compress_seconds = compute_seconds};
  auto& traffic = one.traffic.by_operation[static_cast<std::size_t>(comm::Operation::all_reduce)];
  traffic.calls = 1;
  traffic.payload_bytes = payload_bytes;
  return one;
}

/// One bucket of a matrix of 1 MB and a vector of 10 kB, ready when the computing is done. The
/// method "low" computes 10 ms for each and sends a tenth of the matrix.
AdviceInput input(double bytes_per_second) {
  RankRecord rank{.base = {.compute_seconds = 1}, .ready_seconds = {1}};
  rank.groups = {{"layers.*.weight", {500, 1000}, {1}}, {"layers.*.bias", {5000}, {1}}};
  rank.methods = {{"bf16", {cost(0, 1'010'000)}, {cost(0, 1'000'000), cost(0, 10'000)}},
                  {"low", {cost(0.02, 110'000)}, {cost(0.01, 100'000), cost(0.01, 10'000)}}};
  return {.ranks = {rank},
          .replicas = 2,
          .link_is_present = false,
          .link = {.ranks = 2, .hosts = 2, .bytes_per_second = bytes_per_second}};
}

TEST(Advise, AStepIsComputingAndWhatIsExposed) {
  const Advice advice = advise(input(1e6));
  EXPECT_NEAR(advice.methods[0].step_seconds, 1 + 1.01, 1e-9);
  EXPECT_NEAR(advice.methods[1].step_seconds, 1 + 0.02 + 0.11, 1e-9);
  EXPECT_NEAR(advice.methods[1].exposed_seconds, 0.13, 1e-9);
  EXPECT_EQ(advice.best, 1U);
  EXPECT_EQ(advise(input(1e9)).best, 0U);
}

TEST(Advise, BreakEvenIsWhereBothTakeTheSame) {
  // 1.01 MB / b = 0.02 s + 0.11 MB / b at b = 45 MB/s.
  const Advice advice = advise(input(1e6));
  EXPECT_NEAR(*advice.methods[1].break_even, 45e6, 0.002 * 45e6);
  EXPECT_FALSE(advice.methods[0].break_even);
  EXPECT_NEAR(*advice.groups[0].break_even, 90e6, 1);  // 0.9 MB / 0.01 s
}

TEST(Advise, EachGroupHasItsBestMethodAndTheMixIsNoSlowerThanEither) {
  const Advice advice = advise(input(1e6));
  EXPECT_EQ(advice.groups[0].best, "low");
  EXPECT_EQ(advice.groups[1].best, "bf16");
  EXPECT_TRUE(advice.groups[1].compressor.empty());
  // The matrix by "low": half of 20 ms, 10/11 of 110 kB; the vector by bf16: 1/101 of 1.01 MB.
  EXPECT_NEAR(advice.mix_seconds, 1 + 0.01 + 0.1 + 0.01, 1e-6);
}

TEST(Advise, WhatAllGathersCarryGrowsWithTheReplicas) {
  AdviceInput many = input(1e6);
  ExchangeCost gathered{};
  auto& traffic =
      gathered.traffic.by_operation[static_cast<std::size_t>(comm::Operation::all_gather)];
  traffic.calls = 1;
  traffic.payload_bytes = 200'000;  // of two ranks
  many.ranks[0].methods[1] = {"low", {gathered}, {gathered, gathered}};
  many.link.ranks = many.link.hosts = 8;
  EXPECT_NEAR(advise(many).methods[1].wire_seconds, 0.7, 1e-9);  // seven others' 100 kB
}

TEST(RankRecord, ComesBackFromItsText) {
  const RankRecord record = input(1e6).ranks.front();
  const RankRecord back = record_from_text(to_text(record));
  EXPECT_EQ(to_text(back), to_text(record));
  EXPECT_EQ(back.base.compute_seconds, 1);
  EXPECT_EQ(back.groups[0].pattern, "layers.*.weight");
  EXPECT_EQ(back.methods[1].buckets[0].traffic[comm::Operation::all_reduce].payload_bytes, 110'000);
}

}  // namespace
}  // namespace spillway::trainer
