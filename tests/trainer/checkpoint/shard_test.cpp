#include "trainer/checkpoint/shard.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <cstring>
#include <limits>

#include "data/corpus/hdf5_handle.hpp"
#include "tests/trainer/checkpoint/scratch.hpp"

namespace spillway::trainer {
namespace {

bool same_bits(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.contiguous(), y = b.contiguous();
  return x.sizes() == y.sizes() && x.scalar_type() == y.scalar_type() &&
         (x.nbytes() == 0 || std::memcmp(x.const_data_ptr(), y.const_data_ptr(), x.nbytes()) == 0);
}

TEST(Shard, EveryTypeAndShapeComesBackBitForBit) {
  const at::Tensor nan = at::full({3}, std::numeric_limits<double>::quiet_NaN(), at::kFloat);
  const std::vector<NamedTensor> tensors{
      {"a/float32", at::randn({7, 13})},
      {"a/float64", at::randn({5}, at::kDouble)},
      {"a/float16", at::randn({3, 1, 2}).to(at::kHalf)},
      {"a/bfloat16", at::randn({1031}).to(at::kBFloat16)},
      {"b/int32", at::randint(-9, 9, {4, 4}, at::kInt)},
      {"b/int64", at::randint(-9, 9, {2, 3}, at::kLong)},
      {"b/uint8", at::randint(0, 255, {4097}, at::kByte)},
      {"b/c.d-e/bool", at::randint(0, 2, {9}).to(at::kBool)},
      {"scalar", at::full({}, 2.5, at::kFloat)},
      {"empty", at::empty({0, 3}, at::kFloat)},
      {"transposed", at::randn({4, 6}).t()},
      {"nan", nan},
  };
  const auto folder = scratch_folder();
  const ShardRecord record = write_shard(folder / "rank-0.h5", tensors);
  EXPECT_EQ(record.file.bytes, std::filesystem::file_size(folder / "rank-0.h5"));
  ASSERT_EQ(record.tensors.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_TRUE(same_bits(read_tensor(folder, name, record.tensors.at(name)), tensor)) << name;
  }
}

TEST(Shard, ReadsAsPlainHdf5) {
  const auto folder = scratch_folder();
  const at::Tensor weight = at::randn({2, 3}).to(at::kBFloat16);
  write_shard(folder / "s.h5", {{"model/wte", weight}});
  const auto file = data::Hdf5File::open(folder / "s.h5");
  EXPECT_EQ(file.string_attribute("model/wte", "dtype"), "bfloat16");
  EXPECT_EQ(file.describe("model/wte").shape, (std::vector<std::uint64_t>{2, 3}));
  const auto bits = file.read<std::uint16_t>("model/wte");
  EXPECT_EQ(std::memcmp(bits.data(), weight.const_data_ptr(), 12), 0);
}

TEST(Shard, EqualTensorsGiveEqualFiles) {
  const auto folder = scratch_folder();
  const at::Tensor weight = at::randn({100, 100});
  const auto first = write_shard(folder / "a.h5", {{"w", weight}, {"x/y", weight}});
  const auto second = write_shard(folder / "b.h5", {{"w", weight}, {"x/y", weight}});
  EXPECT_EQ(first.file.xxh3, second.file.xxh3);
}

TEST(Shard, NamesThatAreNoPathsAndNamesGivenTwiceAreRefused) {
  const auto path = scratch_folder() / "s.h5";
  const at::Tensor tensor = at::randn({2});
  for (const char* name : {"", "/a", "a/", "a//b", "a/../b", "."}) {
    EXPECT_NE(complaint([&] {
                write_shard(path, {{name, tensor}});
              }).find("is not of the form"),
              std::string::npos)
        << name;
  }
  EXPECT_NE(complaint([&] {
              write_shard(path, {{"a", tensor}, {"a", tensor}});
            }).find("\"a\" is given twice"),
            std::string::npos);
  EXPECT_NE(complaint([&] {
              write_shard(path, {{"a", at::randn({2}, at::kComplexFloat)}});
            }).find("ComplexFloat cannot be checkpointed"),
            std::string::npos);
}

TEST(Shard, ADamagedTensorIsNamedOnReading) {
  const auto folder = scratch_folder();
  const auto record =
      write_shard(folder / "rank-3.h5", {{"good", at::randn({50})}, {"bad", at::randn({50})}});
  flip_bit(folder / "rank-3.h5", record.tensors.at("bad").offset + 77);
  EXPECT_EQ(complaint([&] { read_tensor(folder, "good", record.tensors.at("good")); }), "");
  const std::string message =
      complaint([&] { read_tensor(folder, "bad", record.tensors.at("bad")); });
  EXPECT_NE(message.find("rank-3.h5: tensor bad is damaged"), std::string::npos) << message;
}

TEST(Shard, AFullDiskIsNamed) {
  const auto folder = scratch_folder();
  const SmallDisk disk(folder, "1m");
  if (!disk.mounted()) GTEST_SKIP() << "mounting a small tmpfs is not allowed here";
  const std::string message = complaint([&] {
    write_shard(folder / "rank-0.h5", {{"w", at::randn({1 << 20})}});
  });
  EXPECT_NE(message.find("rank-0.h5: No space left on device"), std::string::npos) << message;
  EXPECT_EQ(complaint([&] { write_shard(folder / "rank-0.h5", {{"w", at::randn({100})}}); }), "");
}

}  // namespace
}  // namespace spillway::trainer
