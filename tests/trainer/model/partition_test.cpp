#include "trainer/model/partition.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "configs/error.hpp"

namespace spillway::trainer {
namespace {

using Counts = std::vector<std::int64_t>;

config::ModelConfig model(std::int64_t layers, std::int64_t vocabulary) {
  return resolve(
      {.layers = layers, .hidden = 64, .heads = 4, .sequence_length = 32, .vocabulary = vocabulary},
      1);
}

Counts counts(const std::vector<Slice>& slices) {
  Counts result;
  for (const Slice& slice : slices) result.push_back(slice.layer_count);
  return result;
}

double most_flops(const config::ModelConfig& config, const std::vector<Slice>& slices) {
  double most = 0;
  for (const Slice& slice : slices)
    most = std::max(most, model_cost(config, slice).forward_flops_per_token);
  return most;
}

TEST(Partition, LayersAreContiguousAndNoneIsDropped) {
  for (std::int64_t layers = 1; layers <= 13; ++layers) {
    for (std::int64_t parts = 1; parts <= layers; ++parts) {
      std::int64_t next = 0;
      const auto slices = partition(model(layers, 5000), parts);
      for (const Slice& slice : slices) {
        EXPECT_EQ(slice.first_layer, next);
        EXPECT_GE(slice.layer_count, 1);
        next += slice.layer_count;
        EXPECT_EQ(slice.has_embedding, &slice == &slices.front());
        EXPECT_EQ(slice.has_head, &slice == &slices.back());
      }
      EXPECT_EQ(next, layers);
    }
  }
}

TEST(Partition, UnevenLayersGoToTheLaterStagesWhenEmbeddingsAreSmall) {
  EXPECT_EQ(counts(partition(model(7, 2), 3)), (Counts{2, 3, 2}));
  EXPECT_EQ(counts(partition(model(8, 2), 4)), (Counts{2, 2, 2, 2}));
}

TEST(Partition, ALargeVocabularyLeavesTheHeadFewerLayers) {
  // The head is worth 3.7 layers' FLOPs; the embedding costs none.
  EXPECT_EQ(counts(partition(model(12, 3072), 3)), (Counts{5, 5, 2}));
}

TEST(Partition, Gpt2On2StagesBalancesFlops) {
  const auto gpt2 = resolve(
      {.layers = 12, .hidden = 768, .heads = 12, .sequence_length = 1024, .vocabulary = 50257}, 1);
  EXPECT_EQ(counts(partition(gpt2, 2)), (Counts{8, 4}));
}

TEST(Partition, NoOtherCutHasAPartOfFewerFlops) {
  for (const std::int64_t vocabulary : {50, 1000, 4000}) {
    const auto config = model(9, vocabulary);
    const double ours = most_flops(config, partition(config, 3));
    for (std::int64_t a = 1; a <= 7; ++a) {
      for (std::int64_t b = 1; a + b <= 8; ++b) {
        EXPECT_LE(ours, most_flops(config, partition(config, 3, {a, b, 9 - a - b})) + 1e-12);
      }
    }
  }
}

TEST(Partition, ByHandIsTakenAsItIs) {
  EXPECT_EQ(counts(partition(model(7, 300), 3, {1, 1, 5})), (Counts{1, 1, 5}));
}

TEST(Partition, NumbersThatDoNotFitAreRefused) {
  EXPECT_THROW(partition(model(4, 300), 5), Error);
  EXPECT_THROW(partition(model(4, 300), 0), Error);
  EXPECT_THROW(partition(model(4, 300), 2, {4}), Error);
  EXPECT_THROW(partition(model(4, 300), 2, {1, 2}), Error);
  EXPECT_THROW(partition(model(4, 300), 2, {4, 0}), Error);
}

}  // namespace
}  // namespace spillway::trainer
