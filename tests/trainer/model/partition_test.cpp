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

double size_of_largest(const config::ModelConfig& config, const std::vector<Slice>& slices) {
  const ModelCost whole = model_cost(config);
  double largest = 0;
  for (const Slice& slice : slices) {
    const ModelCost part = model_cost(config, slice);
    largest = std::max(
        largest, part.forward_flops_per_token / whole.forward_flops_per_token +
                     static_cast<double>(part.parameters) / static_cast<double>(whole.parameters));
  }
  return largest;
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

TEST(Partition, ALargeVocabularyLeavesTheEndsFewerLayers) {
  // The head is worth about 4 layers' FLOPs and both ends hold a table of 4 layers' parameters.
  EXPECT_EQ(counts(partition(model(12, 3072), 3)), (Counts{4, 6, 2}));
}

TEST(Partition, NoOtherCutHasASmallerLargestPart) {
  for (const std::int64_t vocabulary : {50, 1000, 4000}) {
    const auto config = model(9, vocabulary);
    const double ours = size_of_largest(config, partition(config, 3));
    for (std::int64_t a = 1; a <= 7; ++a) {
      for (std::int64_t b = 1; a + b <= 8; ++b) {
        EXPECT_LE(ours, size_of_largest(config, partition(config, 3, {a, b, 9 - a - b})) + 1e-12);
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
