#include "trainer/model/hugging_face/safetensors.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <fstream>

#include "configs/error.hpp"

namespace spillway::trainer {
namespace {

using std::filesystem::path;

path file_with(const std::string& bytes) {
  path file = path(testing::TempDir()) / "spillway_safetensors_test.safetensors";
  std::ofstream(file, std::ios::binary) << bytes;
  return file;
}

std::string header_and(const std::string& header, std::size_t data_bytes) {
  std::uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header +
         std::string(data_bytes, '\1');
}

TEST(Safetensors, TypesShapesAndBitsComeBack) {
  const NamedTensors tensors{{"half", at::arange(3).to(at::kHalf)},
                             {"bf16", at::arange(6).view({2, 3}).to(at::kBFloat16)},
                             {"scalar", at::full({}, 2.5F)},
                             {"empty", at::zeros({0, 4})},
                             {"strided", at::arange(6, at::kFloat).view({2, 3}).t()},
                             {"nan \"quoted\"", at::full({1}, NAN)}};
  const path file = file_with("");
  write_safetensors(file, tensors, {{"format", "pt"}});
  const NamedTensors back = read_safetensors(file);
  ASSERT_EQ(back.size(), tensors.size());
  for (const auto& [name, tensor] : tensors) {
    EXPECT_EQ(back.at(name).scalar_type(), tensor.scalar_type()) << name;
    EXPECT_EQ(back.at(name).sizes(), tensor.sizes()) << name;
    EXPECT_TRUE(at::allclose(back.at(name), tensor, 0, 0, true)) << name;
  }
  EXPECT_THROW(write_safetensors(file, {{"long", at::arange(3)}}), Error);
}

TEST(Safetensors, BrokenFilesAreNamedAndNotRead) {
  const std::string good = R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})";
  EXPECT_EQ(read_safetensors(file_with(header_and(good, 8))).size(), 1U);
  for (const std::string& bytes :
       {std::string(), std::string("\1\0\0", 3), std::string(8, '\x7f'), header_and("{\"a\"", 0),
        header_and("[1]", 0), header_and(good, 7),
        header_and(R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,8]}})", 8),
        header_and(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}})", 8),
        header_and(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0]}})", 8),
        header_and(R"({"a":{"dtype":"F8_E4M3","shape":[8],"data_offsets":[0,8]}})", 8),
        header_and(R"({"a":{"shape":[2],"data_offsets":[0,8]}})", 8),
        header_and(R"({"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}})", 8),
        header_and(R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}})",
                   8)}) {
    const path file = file_with(bytes);
    try {
      read_safetensors(file);
      ADD_FAILURE() << "read " << bytes;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::input);
      EXPECT_NE(std::string(error.what()).find("spillway_safetensors_test"), std::string::npos)
          << error.what();
    }
  }
}

}  // namespace
}  // namespace spillway::trainer
