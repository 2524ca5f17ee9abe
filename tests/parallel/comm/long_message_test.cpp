// Tensors of more than 2^31 elements really sent, from whose middle and ends nothing may be lost.
#include <ATen/core/Tensor.h>
#include <ATen/ops/full.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <fstream>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "parallel/comm/make_communicator.hpp"

namespace spillway::comm {
namespace {

constexpr std::int64_t kElements = (std::int64_t{1} << 31) + 12'345;
constexpr std::int64_t kNeededKiB = std::int64_t{8} << 20;

std::int64_t available_kib() {
  std::ifstream file("/proc/meminfo");
  for (std::string word; file >> word;) {
    std::int64_t value = 0;
    if (word == "MemAvailable:" && file >> value) return value;
  }
  return 0;
}

/// Ranks that decided apart would wait for each other.
bool memory_is_short(Communicator& world) {
  const at::Tensor lacking = at::full({1}, kNeededKiB - available_kib(), at::kLong);
  world.all_reduce(lacking, ReduceOp::max).wait();
  return lacking.item<std::int64_t>() > 0;
}

/// The ends, both sides of 2^31 and of every 2^28 (what one MPI call moves): the places where a
/// count or an offset that wraps shows.
std::vector<std::int64_t> marked_places() {
  std::vector<std::int64_t> places{0, kElements - 1};
  for (std::int64_t seam = std::int64_t{1} << 28; seam < kElements; seam += std::int64_t{1} << 28) {
    places.push_back(seam - 1);
    places.push_back(seam);
  }
  return places;
}

/// `factor` times 1, 2, 3, ... at the marked places, `elsewhere` between them.
void mark(at::Tensor& tensor, std::uint8_t elsewhere, int factor) {
  tensor.fill_(elsewhere);
  auto* data = tensor.data_ptr<std::uint8_t>();
  int value = 0;
  for (const std::int64_t place : marked_places())
    data[place] = static_cast<std::uint8_t>(factor * ++value);
}

/// That `tensor` holds what mark() writes, everywhere.
void expect_marked(at::Tensor& tensor, std::uint8_t elsewhere, int factor) {
  auto* data = tensor.data_ptr<std::uint8_t>();
  int value = 0;
  for (const std::int64_t place : marked_places()) {
    EXPECT_EQ(data[place], factor * ++value) << "element " << place;
    data[place] = elsewhere;
  }
  EXPECT_EQ(tensor.min().item<int>(), elsewhere);
  EXPECT_EQ(tensor.max().item<int>(), elsewhere);
}

TEST(LongMessage, MoreThanTwoToThe31ElementsArriveWhole) {
  const std::unique_ptr<Communicator> world = make_world("mpi");
  ASSERT_EQ(world->size(), 2);
  if (memory_is_short(*world)) GTEST_SKIP() << "less than 8 GiB of memory are available";
  static_assert(kElements > std::numeric_limits<std::int32_t>::max());
  const bool first = world->rank() == 0;
  at::Tensor tensor = at::zeros({kElements}, at::kByte);

  if (first) mark(tensor, 7, 1);
  first ? world->send(tensor, 1).wait() : world->recv(tensor, 0).wait();
  expect_marked(tensor, 7, 1);

  mark(tensor, first ? 0 : 9, first ? 0 : 2);
  world->broadcast(tensor, 1).wait();
  expect_marked(tensor, 9, 2);

  mark(tensor, first ? 3 : 4, first ? 1 : 2);
  world->all_reduce(tensor).wait();
  expect_marked(tensor, 7, 3);
}

}  // namespace
}  // namespace spillway::comm
