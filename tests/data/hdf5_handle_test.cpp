#include "data/corpus/hdf5_handle.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <fstream>
#include <numeric>

#include "configs/error.hpp"

namespace spillway::data {
namespace {

std::filesystem::path fresh_path(const std::string& name) {
  const auto path = std::filesystem::path(testing::TempDir()) / ("spillway_hdf5_" + name + ".h5");
  std::filesystem::remove(path);
  return path;
}

template <class Action>
std::string complaint(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

template <class T>
void expect_round_trip(const std::string& name, const std::vector<T>& values) {
  const auto path = fresh_path(name);
  Hdf5File file = Hdf5File::create(path);
  file.write("a/b/values", values);
  file.close();
  EXPECT_EQ(Hdf5File::open(path).read<T>("a/b/values"), values);
}

TEST(Hdf5File, EveryElementTypeComesBackAsWritten) {
  expect_round_trip<std::uint8_t>("u8", {0, 1, 255});
  expect_round_trip<std::uint16_t>("u16", {0, 65535, 0x7fc0});
  expect_round_trip<std::uint32_t>("u32", {0, 4294967295u});
  expect_round_trip<std::uint64_t>("u64", {0, ~0ull, 7});
  expect_round_trip<std::int64_t>("i64", {-1, INT64_MIN, INT64_MAX});
  expect_round_trip<float>("f32", {-0.0f, 1e-45f, 3.4e38f});
  expect_round_trip<double>("f64", {5e-324, 0.1});
  expect_round_trip<float>("empty", {});
}

TEST(Hdf5File, ShapesAreKeptAndMustFit) {
  const auto path = fresh_path("shape");
  Hdf5File file = Hdf5File::create(path, Hdf5Format::latest);
  const std::vector<float> values(24, 1.5f);
  file.write<float>("cube", values, {2, 3, 4});
  EXPECT_EQ(file.describe("cube").shape, (std::vector<std::uint64_t>{2, 3, 4}));
  EXPECT_NE(complaint([&] {
              file.write<float>("square", values, {5, 5});
            }).find("25 elements by its shape, 24 given"),
            std::string::npos);
}

TEST(Hdf5File, DatasetsLieAlignedAtTheOffsetDescribed) {
  const auto path = fresh_path("offset");
  std::vector<std::uint64_t> values(5000);
  std::iota(values.begin(), values.end(), 17u);
  Hdf5File file = Hdf5File::create(path);
  file.write("first", std::vector<std::uint8_t>(3, 1));
  file.write("values", values);
  file.close();
  const DatasetInfo info = Hdf5File::open(path).describe("values");
  EXPECT_EQ(info.type, ElementType::uint64);
  EXPECT_EQ(info.offset % 64, 0u);
  std::vector<std::uint64_t> raw(values.size());
  std::ifstream stream(path, std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(info.offset));
  stream.read(reinterpret_cast<char*>(raw.data()), static_cast<std::streamsize>(info.bytes));
  EXPECT_EQ(raw, values);
}

TEST(Hdf5File, AReservedDatasetIsFilledPieceByPiece) {
  const auto path = fresh_path("reserve");
  Hdf5File file = Hdf5File::create(path);
  file.reserve("x", ElementType::uint32, {5});
  file.write_at<std::uint32_t>("x", 3, std::vector<std::uint32_t>{4, 5});
  file.write_at<std::uint32_t>("x", 0, std::vector<std::uint32_t>{1, 2, 3});
  EXPECT_EQ(file.read<std::uint32_t>("x"), (std::vector<std::uint32_t>{1, 2, 3, 4, 5}));
  EXPECT_NE(complaint([&] {
              file.write_at<std::uint32_t>("x", 4, std::vector<std::uint32_t>{1, 2});
            }),
            "");
}

TEST(Hdf5File, AttributesOfAllKindsCanBeReplaced) {
  const auto path = fresh_path("attribute");
  Hdf5File file = Hdf5File::create(path);
  file.make_group("a/b");
  file.set_attribute("/", "name", "x");
  file.set_attribute("/", "name", "鸟 long");
  file.set_attribute("/", "none", "");
  file.set_attribute("a/b", "count", std::uint64_t{1} << 63);
  file.set_attribute("a", "share", 0.25);
  file.close();
  const Hdf5File again = Hdf5File::open(path);
  EXPECT_EQ(again.string_attribute("/", "name"), "鸟 long");
  EXPECT_EQ(again.string_attribute("/", "none"), "");
  EXPECT_EQ(again.integer_attribute("a/b", "count"), std::uint64_t{1} << 63);
  EXPECT_EQ(again.number_attribute("a", "share"), 0.25);
  EXPECT_FALSE(again.has_attribute("/", "other"));
  EXPECT_NE(complaint([&] {
              again.integer_attribute("/", "name");
            }).find("attribute name of / is of another type"),
            std::string::npos);
}

TEST(Hdf5File, ExistsAndChildrenWalkTheTree) {
  const auto path = fresh_path("tree");
  Hdf5File file = Hdf5File::create(path);
  file.write("z/y/x", std::vector<float>{1});
  file.make_group("a");
  EXPECT_TRUE(file.exists("z/y/x"));
  EXPECT_TRUE(file.exists("/z/y"));
  EXPECT_FALSE(file.exists("z/q/x"));
  EXPECT_EQ(file.children(), (std::vector<std::string>{"a", "z"}));
  EXPECT_EQ(file.children("z/y"), std::vector<std::string>{"x"});
}

TEST(Hdf5File, ErrorsAreOneLineAndNameFileAndDataset) {
  const auto path = fresh_path("errors");
  {
    Hdf5File file = Hdf5File::create(path);
    file.write("x", std::vector<float>{1, 2});
  }
  const Hdf5File file = Hdf5File::open(path);
  const std::string missing = complaint([&] { file.read<float>("group/y"); });
  EXPECT_NE(missing.find(path.string() + ": cannot open dataset group/y"), std::string::npos)
      << missing;
  EXPECT_EQ(missing.find('\n'), std::string::npos);
  EXPECT_NE(complaint([&] { file.read<double>("x"); }).find("holds 2 float32, asked for 1 float64"),
            std::string::npos);
  EXPECT_NE(complaint([] {
              Hdf5File::open("/nonexistent/a.h5");
            }).find("/nonexistent/a.h5: no such file"),
            std::string::npos);
  EXPECT_NE(complaint([] {
              Hdf5File::create("/nonexistent/a.h5");
            }).find("/nonexistent/a.h5: cannot be created"),
            std::string::npos);
}

TEST(Hdf5File, ATruncatedFileDoesNotOpen) {
  const auto path = fresh_path("truncated");
  {
    Hdf5File file = Hdf5File::create(path);
    file.write("x", std::vector<std::uint8_t>(100000, 7));
  }
  std::filesystem::resize_file(path, std::filesystem::file_size(path) - 1000);
  const std::string message = complaint([&] { Hdf5File::open(path); });
  EXPECT_NE(message.find("cannot be opened as HDF5 (truncated file"), std::string::npos) << message;
}

// A full disk, played by a limit on the size of files.
TEST(Hdf5File, AWriteThatDoesNotFitFailsWithTheReason) {
  const auto path = fresh_path("full");
  Hdf5File file = Hdf5File::create(path);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1 << 16, before.rlim_max};
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string message =
      complaint([&] { file.write("x", std::vector<std::uint8_t>(1 << 20, 7)); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_NE(message.find("File too large"), std::string::npos) << message;
}

// Plain HDF5 1.10 crashes here, at the latest when the process ends.
TEST(Hdf5File, AFullDiskAtClosingIsAnErrorAndTheNextFileWorks) {
  const auto path = fresh_path("full_at_close");
  Hdf5File file = Hdf5File::create(path);
  for (int i = 0; i < 200; ++i) {
    const std::string name = "group" + std::to_string(i) + "/values";
    file.reserve(name, ElementType::float32, {100});
    file.set_attribute(name, "meaning", "none");
  }
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{1 << 12, before.rlim_max};
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string message = complaint([&] { file.close(); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_NE(message.find("cannot close file (File too large)"), std::string::npos) << message;

  const auto next = fresh_path("after_full_disk");
  Hdf5File good = Hdf5File::create(next);
  good.write("x", std::vector<float>{1, 2});
  good.close();
  EXPECT_EQ(Hdf5File::open(next).read<float>("x"), (std::vector<float>{1, 2}));
}

TEST(Hdf5Handle, MovingLeavesOneOwner) {
  static int closed = 0;
  closed = 0;
  {
    Hdf5Handle a(5, [](hid_t) { return ++closed; });
    Hdf5Handle b(std::move(a));
    a = std::move(b);
    EXPECT_EQ(a.get(), 5);
  }
  EXPECT_EQ(closed, 1);
}

}  // namespace
}  // namespace spillway::data
