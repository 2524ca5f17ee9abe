#include "compression/tree_mean.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <memory>

#include "configs/error.hpp"
#include "parallel/comm/thread_communicator.hpp"

namespace spillway::compression {
namespace {

/// What every replica holds after the exchange of its row of `given` [replicas, numel].
std::vector<at::Tensor> exchanged(const at::Tensor& given) {
  auto group = comm::make_thread_group(static_cast<int>(given.size(0)));
  std::vector<std::unique_ptr<TreeMeanExchange>> exchanges;
  std::vector<at::Tensor> held;
  std::vector<comm::Work> works;
  for (std::size_t w = 0; w < group.size(); ++w) {
    held.push_back(given[static_cast<std::int64_t>(w)].clone());
    exchanges.push_back(std::make_unique<TreeMeanExchange>(*group[w]));
    works.push_back(exchanges.back()->exchange({held.back(), {{"w", held.back()}}}));
  }
  for (const comm::Work& work : works) work.wait();
  return held;
}

TEST(TreeMean, PairsOfPairsAreSummedAndEveryReplicaHasTheSameBits) {
  at::manual_seed(5);
  const at::Tensor given = at::randn({4, 1001}).mul_(at::rand({4, 1}).mul(20).exp());
  for (const at::Tensor& held : exchanged(given)) {
    EXPECT_TRUE(at::equal(held, ((given[0] + given[1]) + (given[2] + given[3])) / 4));
  }
  EXPECT_TRUE(at::equal(exchanged(given.narrow(0, 0, 2))[1], (given[0] + given[1]) / 2));
  EXPECT_TRUE(at::equal(exchanged(given.narrow(0, 0, 1))[0], given[0]));
}

TEST(TreeMean, SubtreesOnMoreReplicasGiveTheSameBits) {
  at::manual_seed(6);
  const at::Tensor leaves = at::randn({8, 333});
  const auto pairs = [](const at::Tensor& x) {
    return x.view({x.size(0) / 2, 2, -1}).select(1, 0) +
           x.view({x.size(0) / 2, 2, -1}).select(1, 1);
  };
  const at::Tensor four = exchanged(pairs(leaves))[0] * 4;
  EXPECT_TRUE(at::equal(exchanged(leaves)[3] * 8, four));
  EXPECT_TRUE(at::equal(exchanged(pairs(pairs(leaves)))[1] * 2, four));
}

TEST(TreeMean, OtherNumbersOfReplicasThanPowersOfTwoAreRefused) {
  const auto group = comm::make_thread_group(3);
  EXPECT_THROW(TreeMeanExchange{*group[0]}, Error);
}

}  // namespace
}  // namespace spillway::compression
