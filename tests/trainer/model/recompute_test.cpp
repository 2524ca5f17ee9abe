#include "trainer/model/recompute.hpp"

#include <gtest/gtest.h>

#include "configs/error.hpp"

namespace spillway::trainer {
namespace {

using Segments = std::vector<Segment>;

Segment kept(std::int64_t first_half, std::int64_t last_half) {
  return {.first_half = first_half, .last_half = last_half};
}

Segment repeated(std::int64_t first_half, std::int64_t last_half) {
  return {.first_half = first_half, .last_half = last_half, .recomputed = true};
}

Segment with_embedding(Segment segment) {
  segment.embeds = true;
  return segment;
}

Segment with_head(Segment segment) {
  segment.ends = true;
  return segment;
}

TEST(Segments, NothingRecomputedIsOneSegment) {
  EXPECT_EQ(cut_into_segments({true, 0, 3, true}, Recompute::none, 0),
            (Segments{with_head(with_embedding(kept(0, 6)))}));
  EXPECT_EQ(cut_into_segments({false, 4, 2, false}, Recompute::none, 1), (Segments{kept(8, 12)}));
}

TEST(Segments, FullIsARunOfLayersBetweenEmbeddingAndWhatIsKept) {
  EXPECT_EQ(cut_into_segments({true, 0, 3, true}, Recompute::full, 2),
            (Segments{with_embedding(kept(0, 0)), repeated(0, 4), with_head(kept(4, 6))}));
  EXPECT_EQ(cut_into_segments({false, 3, 2, true}, Recompute::full, 0),
            (Segments{repeated(6, 10), with_head(kept(10, 10))}));
}

TEST(Segments, SelectiveIsTheSecondHalfOfEachLayer) {
  EXPECT_EQ(cut_into_segments({true, 0, 2, false}, Recompute::selective, 7),
            (Segments{with_embedding(kept(0, 1)), repeated(1, 2), kept(2, 3), repeated(3, 4)}));
}

TEST(Recompute, FlopsAreThoseOfTheRepeatedProducts) {
  const auto model = resolve({.layers = 4, .hidden = 8, .heads = 2, .sequence_length = 16}, 50);
  const double layer = 2 * 12 * 8 * 8 + 4 * 16 * 8, mlp = 2 * 8 * 8 * 8;
  const Slice slice{true, 0, 3, false};
  EXPECT_EQ(recompute_flops_per_token(model, slice, Recompute::none, 0), 0);
  EXPECT_EQ(recompute_flops_per_token(model, slice, Recompute::full, 0), 3 * layer);
  EXPECT_EQ(recompute_flops_per_token(model, slice, Recompute::selective, 2), 2 * mlp);
}

TEST(Recompute, NamesAreThoseOfTheConfiguration) {
  EXPECT_EQ(recompute_mode("none"), Recompute::none);
  EXPECT_EQ(recompute_mode("selective"), Recompute::selective);
  EXPECT_EQ(recompute_mode("full"), Recompute::full);
  EXPECT_THROW(recompute_mode("all"), Error);
}

}  // namespace
}  // namespace spillway::trainer
