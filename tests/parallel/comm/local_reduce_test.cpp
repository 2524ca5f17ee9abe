#include "parallel/comm/local_reduce.hpp"

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace spillway::comm {
namespace {

template <typename T>
std::vector<T> reduce(at::ScalarType type, std::vector<std::vector<T>> parts, ReduceOp op) {
  std::vector<T> output(parts[0].size());
  std::vector<const std::byte*> starts;
  for (const std::vector<T>& part : parts)
    starts.push_back(reinterpret_cast<const std::byte*>(part.data()));
  local_reduce(
      {reinterpret_cast<std::byte*>(output.data()), static_cast<std::int64_t>(output.size()), type},
      starts, op);
  return output;
}

TEST(LocalReduce, SumsInTheOrderOfTheParts) {
  const auto sums = reduce<float>(at::kFloat, {{1e8F}, {-1e8F}, {1.0F}}, ReduceOp::sum);
  EXPECT_EQ(sums[0], 1.0F);
  const auto other = reduce<float>(at::kFloat, {{1e8F}, {1.0F}, {-1e8F}}, ReduceOp::sum);
  EXPECT_EQ(other[0], 0.0F);
}

TEST(LocalReduce, RoundsBfloat16OnceToNearestEven) {
  const c10::BFloat16 big = 256.0F, one = 1.0F;
  EXPECT_EQ(reduce<c10::BFloat16>(at::kBFloat16, {{big}, {one}, {one}}, ReduceOp::sum)[0], 258.0F);
  EXPECT_EQ(reduce<c10::BFloat16>(at::kBFloat16, {{big}, {one}}, ReduceOp::sum)[0], 256.0F);
}

/// 2048 + 1 is a tie in float16 and rounds back to 2048; its greatest number is 65504.
TEST(LocalReduce, RoundsFloat16OnceToNearestEven) {
  const c10::Half big = 2048.0F, one = 1.0F, most = 65504.0F, below = -40000.0F;
  EXPECT_EQ(reduce<c10::Half>(at::kHalf, {{big}, {one}, {one}}, ReduceOp::sum)[0], 2050.0F);
  EXPECT_EQ(reduce<c10::Half>(at::kHalf, {{big}, {one}}, ReduceOp::sum)[0], 2048.0F);
  EXPECT_EQ(reduce<c10::Half>(at::kHalf, {{most}, {most}, {below}, {below}}, ReduceOp::sum)[0],
            51008.0F);
  EXPECT_EQ(reduce<c10::Half>(at::kHalf, {{most}, {one}}, ReduceOp::max)[0], 65504.0F);
}

TEST(LocalReduce, CrossesItsBlocks) {
  const std::size_t count = 5003;
  std::vector<std::int64_t> a(count), b(count);
  for (std::size_t i = 0; i < count; ++i) {
    a[i] = static_cast<std::int64_t>(i) * 3;
    b[i] = 1 - static_cast<std::int64_t>(i);
  }
  const auto sums = reduce<std::int64_t>(at::kLong, {a, b}, ReduceOp::sum);
  for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(sums[i], static_cast<std::int64_t>(2 * i) + 1);
}

TEST(LocalReduce, MaximumKeepsNanWhereverItStands) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const auto largest =
      reduce<float>(at::kFloat, {{nan, 1, 3}, {2, nan, -1}, {7, 7, 2}}, ReduceOp::max);
  EXPECT_TRUE(std::isnan(largest[0]));
  EXPECT_TRUE(std::isnan(largest[1]));
  EXPECT_EQ(largest[2], 3);
}

TEST(LocalReduce, IntegersWrap) {
  constexpr std::int32_t kMost = std::numeric_limits<std::int32_t>::max();
  EXPECT_EQ(reduce<std::int32_t>(at::kInt, {{kMost}, {1}}, ReduceOp::sum)[0],
            std::numeric_limits<std::int32_t>::min());
  EXPECT_EQ(reduce<std::uint8_t>(at::kByte, {{200}, {100}}, ReduceOp::sum)[0], 44);
}

}  // namespace
}  // namespace spillway::comm
