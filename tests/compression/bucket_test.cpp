#include "compression/bucket.hpp"

#include <gtest/gtest.h>

namespace spillway::compression {
namespace {

/// Gradients named "0", "1", ... of the given sizes in one flat buffer.
struct Gradients {
  explicit Gradients(const std::vector<std::int64_t>& sizes) {
    std::int64_t total = 0;
    for (const std::int64_t size : sizes) total += size;
    flat = at::arange(total, at::kFloat);
    std::int64_t offset = 0;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      named.push_back({std::to_string(i), flat.narrow(0, offset, sizes[i])});
      offset += sizes[i];
    }
  }
  at::Tensor flat;
  std::vector<NamedGradient> named;
};

constexpr double kMibOfOneFloat = 4.0 / 1024 / 1024;

std::vector<std::string> names(const Bucket& bucket) {
  std::vector<std::string> names;
  for (const NamedGradient& entry : bucket.entries) names.push_back(entry.name);
  return names;
}

TEST(Bucket, LastParametersComeFirstAndKeepTheirOrderInside) {
  const Gradients gradients({3, 4, 2, 5});
  const auto buckets = make_buckets(gradients.flat, gradients.named, 7 * kMibOfOneFloat);
  ASSERT_EQ(buckets.size(), 2U);
  EXPECT_EQ(names(buckets[0]), (std::vector<std::string>{"2", "3"}));
  EXPECT_EQ(names(buckets[1]), (std::vector<std::string>{"0", "1"}));
  EXPECT_EQ(buckets[0].flat.data_ptr(), gradients.named[2].gradient.data_ptr());
  EXPECT_EQ(buckets[0].flat.numel(), 7);
  EXPECT_EQ(buckets[1].flat.data_ptr(), gradients.flat.data_ptr());
  for (const Bucket& bucket : buckets) EXPECT_NO_THROW(check_layout(bucket));
}

TEST(Bucket, OneElementAboveTheLimitOpensTheNextBucket) {
  const Gradients gradients({3, 4, 2, 5});
  EXPECT_EQ(make_buckets(gradients.flat, gradients.named, 6 * kMibOfOneFloat).size(), 3U);
  EXPECT_EQ(make_buckets(gradients.flat, gradients.named, 14 * kMibOfOneFloat).size(), 1U);
  EXPECT_EQ(make_buckets(gradients.flat, gradients.named, 13 * kMibOfOneFloat).size(), 2U);
}

TEST(Bucket, GradientAboveTheLimitGetsItsOwn) {
  const Gradients gradients({1, 100, 1});
  const auto buckets = make_buckets(gradients.flat, gradients.named, 2 * kMibOfOneFloat);
  ASSERT_EQ(buckets.size(), 3U);
  EXPECT_EQ(names(buckets[1]), std::vector<std::string>{"1"});
}

TEST(Bucket, EmptyGradientsAndEmptyModelsAreFine) {
  const Gradients gradients({0, 2, 0});
  const auto buckets = make_buckets(gradients.flat, gradients.named, 25);
  ASSERT_EQ(buckets.size(), 1U);
  EXPECT_EQ(buckets[0].entries.size(), 3U);
  EXPECT_TRUE(make_buckets(at::empty({0}), {}, 25).empty());
}

TEST(Bucket, LayoutThatDoesNotCoverTheBufferIsRefused) {
  Gradients gradients({3, 4});
  std::swap(gradients.named[0], gradients.named[1]);
  EXPECT_THROW(make_buckets(gradients.flat, gradients.named, 1), c10::Error);
  const Gradients short_one({3, 4});
  EXPECT_THROW(make_buckets(short_one.flat, {short_one.named[0]}, 1), c10::Error);
  EXPECT_THROW(make_buckets(short_one.flat.to(at::kDouble), short_one.named, 1), c10::Error);
  EXPECT_THROW(make_buckets(short_one.flat, short_one.named, 0), c10::Error);
  const Gradients transposed({4});
  EXPECT_THROW(make_buckets(transposed.flat, {{"t", transposed.flat.view({2, 2}).t()}}, 1),
               c10::Error);
}

}  // namespace
}  // namespace spillway::compression
