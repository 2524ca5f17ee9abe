#include "trainer/checkpoint/compare.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>

#include <limits>

#include "tests/trainer/checkpoint/scratch.hpp"
#include "trainer/checkpoint/checkpoint_store.hpp"

namespace spillway::trainer {
namespace {

Checkpoint saved(const std::filesystem::path& path, std::vector<NamedTensor> tensors) {
  save_alone(path, {.step = 1, .tensors = std::move(tensors), .metadata = {}});
  return Checkpoint(path);
}

TEST(Compare, SameBitsAreIdenticalAlsoWhenNotANumber) {
  const auto folder = scratch_folder();
  const at::Tensor odd = at::full({3}, std::numeric_limits<double>::quiet_NaN());
  const std::vector<NamedTensor> tensors{{"model/a", odd}, {"optimizer/a/exp_avg", at::zeros({0})}};
  const Comparison result = compare(saved(folder / "a", tensors), saved(folder / "b", tensors));
  EXPECT_TRUE(result.differences.empty());
  EXPECT_EQ(result.compared, 2);
}

TEST(Compare, NamesTensorNumberPlaceAndSizeOfDifferences) {
  const auto folder = scratch_folder();
  at::Tensor changed = at::arange(12, at::kFloat).reshape({3, 4});
  changed[1][1] += 0.25;
  changed[2][3] -= 0.5;
  const Comparison result =
      compare(saved(folder / "a", {{"model/w", at::arange(12, at::kFloat).reshape({3, 4})}}),
              saved(folder / "b", {{"model/w", changed}}));
  ASSERT_EQ(result.differences.size(), 1u);
  EXPECT_EQ(result.differences[0].name, "model/w");
  EXPECT_EQ(result.differences[0].what,
            "2 of 12 elements differ by up to 0.5, first at 5: 5 and 5.25");
}

TEST(Compare, ZeroAndMinusZeroAreNotTheSameBits) {
  const auto folder = scratch_folder();
  const Comparison result = compare(saved(folder / "a", {{"model/w", at::full({2}, 0.0)}}),
                                    saved(folder / "b", {{"model/w", at::full({2}, -0.0)}}));
  ASSERT_EQ(result.differences.size(), 1u);
}

TEST(Compare, MissingTensorsAndOtherShapesAreDifferences) {
  const auto folder = scratch_folder();
  const Comparison result =
      compare(saved(folder / "a", {{"model/a", at::zeros({2})}, {"model/b", at::zeros({2})}}),
              saved(folder / "b", {{"model/b", at::zeros({2, 1})}, {"model/c", at::zeros({2})}}));
  ASSERT_EQ(result.differences.size(), 3u);
  EXPECT_EQ(result.differences[0].what, "only in the first");
  EXPECT_EQ(result.differences[1].what, "float32 [2] and float32 [2, 1]");
  EXPECT_EQ(result.differences[2].what, "only in the second");
}

TEST(Compare, StateThatDependsOnTheLayoutIsCountedApart) {
  const auto folder = scratch_folder();
  const Comparison result = compare(
      saved(folder / "a", {{"model/a", at::zeros({2})}, {"compression/0/a", at::zeros({2})}}),
      saved(folder / "b", {{"model/a", at::zeros({2})}}));
  EXPECT_TRUE(result.differences.empty());
  EXPECT_EQ(result.others, 1);
  EXPECT_EQ(result.others_different, 1);
}

TEST(SaveAlone, AppearsWholeAndNeverOverwrites) {
  const auto folder = scratch_folder();
  const auto path = folder / "made" / "on" / "the" / "way";
  const Checkpoint checkpoint = saved(path, {{"model/a", at::zeros({2})}});
  EXPECT_EQ(find_damage(path), "");
  EXPECT_NE(complaint([&] { saved(path, {}); }).find("exists already"), std::string::npos);
  EXPECT_NE(complaint([&] { saved(folder / "b", {{"", at::zeros({1})}}); }), "");
  EXPECT_FALSE(std::filesystem::exists(folder / "b.tmp"));
  EXPECT_FALSE(std::filesystem::exists(folder / "b"));
}

}  // namespace
}  // namespace spillway::trainer
