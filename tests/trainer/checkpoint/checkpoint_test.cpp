#include "trainer/checkpoint/checkpoint.hpp"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/zeros.h>

#include "tests/trainer/checkpoint/scratch.hpp"
#include "trainer/checkpoint/checkpoint_store.hpp"

namespace spillway::trainer {
namespace {

/// A checkpoint of step 5 by one rank.
std::filesystem::path saved(const std::filesystem::path& run) {
  on_ranks(1, [&](comm::Communicator& world) {
    CheckpointStore(run).save(world,
                              {.step = 5,
                               .tensors = {{"model/a", at::arange(12).reshape({3, 4})},
                                           {"model/b", at::arange(3, at::kFloat)},
                                           {"optimizer/b/exp_avg", at::zeros({3})}},
                               .metadata = {{"seed", 7}}},
                              0);
  });
  return run / "checkpoints" / "step-000005";
}

TEST(Checkpoint, GivesTensorsNamesAndMetadata) {
  const Checkpoint checkpoint(saved(scratch_folder()));
  EXPECT_EQ(checkpoint.step(), 5);
  EXPECT_EQ(checkpoint.metadata().at("seed"), 7);
  EXPECT_EQ(checkpoint.names("model/"), (std::vector<std::string>{"model/a", "model/b"}));
  EXPECT_EQ(checkpoint.names().size(), 3u);
  EXPECT_TRUE(at::equal(checkpoint.read("model/a"), at::arange(12).reshape({3, 4})));
}

TEST(Checkpoint, IsNeverSilentlyCastOrReshaped) {
  const Checkpoint checkpoint(saved(scratch_folder()));
  at::Tensor target = at::zeros({3});
  checkpoint.read_into("model/b", target);
  EXPECT_TRUE(at::equal(target, at::arange(3, at::kFloat)));
  const std::string shape = complaint([&] { checkpoint.read_into("model/b", at::zeros({4})); });
  EXPECT_NE(shape.find("tensor model/b is float32 [3], asked for float32 [4]"), std::string::npos)
      << shape;
  EXPECT_NE(complaint([&] {
              checkpoint.read_into("model/b", at::zeros({3}, at::kDouble));
            }).find("asked for float64 [3]"),
            std::string::npos);
}

TEST(Checkpoint, AnUnknownNameProposesTheNearest) {
  const Checkpoint checkpoint(saved(scratch_folder()));
  EXPECT_NE(complaint([&] { checkpoint.read("model/c"); }).find("the nearest is model/a"),
            std::string::npos);
}

TEST(Checkpoint, DamageIsNamedByFileAndTensor) {
  const auto folder = saved(scratch_folder());
  EXPECT_EQ(find_damage(folder), "");
  EXPECT_TRUE(find_all_damage(folder).empty());
  flip_bit(folder / "rank-0.h5", Checkpoint(folder).record("model/b").offset + 1);
  EXPECT_EQ(find_damage(folder, Scrutiny::sizes), "");
  EXPECT_TRUE(find_damage(folder).starts_with("rank-0.h5: checksum ")) << find_damage(folder);
  const auto all = find_all_damage(folder);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1], "rank-0.h5: tensor model/b is damaged");
}

}  // namespace
}  // namespace spillway::trainer
