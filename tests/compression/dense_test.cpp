#include "compression/method_exchange.hpp"

#include <gtest/gtest.h>

#include "configs/error.hpp"
#include "tests/compression/replicas.hpp"

namespace spillway::compression {
namespace {

config::CompressionConfig method(const std::string& name) {
  config::CompressionConfig config;
  config.method = name;
  config.bucket_mib = 0.004;
  return config;
}

std::vector<Gradients> gradients_of(int replicas) {
  std::vector<Gradients> all;
  for (int w = 0; w < replicas; ++w) all.push_back(random_gradients(mixed_shapes(), 0, w));
  return all;
}

TEST(Dense, EveryReplicaGetsTheMean) {
  for (const int count : {1, 2, 3, 4}) {
    Replicas replicas(count, method("none"), mixed_shapes());
    const auto given = gradients_of(count);
    const auto held = replicas.step(0, given);
    for (std::size_t i = 0; i < held[0].size(); ++i) {
      EXPECT_LT(relative(held[0][i], mean_of(given, i)), 1e-6);
      for (const Gradients& other : held) EXPECT_TRUE(at::equal(other[i], held[0][i]));
    }
  }
}

TEST(Dense, Bf16RoundsOnceBeforeAndOnceAfterTheSum) {
  for (const int count : {1, 2, 4}) {
    Replicas replicas(count, method("bf16"), mixed_shapes());
    const auto given = gradients_of(count);
    const auto held = replicas.step(0, given);
    for (std::size_t i = 0; i < held[0].size(); ++i) {
      at::Tensor sum = at::zeros_like(given[0][i]);
      for (const Gradients& one : given) sum += one[i].to(at::kBFloat16).to(at::kFloat);
      EXPECT_TRUE(at::equal(held[0][i], sum.to(at::kBFloat16).to(at::kFloat) / count));
    }
  }
}

TEST(Dense, StatisticsCountTheBytesOfTheWire) {
  for (const auto& [name, width] : {std::pair{"none", 4}, {"bf16", 2}}) {
    Replicas replicas(2, method(name), mixed_shapes());
    const auto given = gradients_of(2);
    replicas.step(0, given);
    std::int64_t numel = 0;
    for (const at::Tensor& gradient : given[0]) numel += gradient.numel();
    const ExchangeStatistics statistics = replicas[0].take_statistics();
    EXPECT_EQ(statistics.dense_bytes, 4 * numel);
    EXPECT_EQ(statistics.sent_bytes, width * numel);
    EXPECT_EQ(statistics.sent_bytes, replicas.communicator(0).traffic().total().payload_bytes);
    EXPECT_GT(statistics.wire_seconds, 0);
    EXPECT_EQ(statistics.error_norm, 0);
    EXPECT_EQ(replicas[0].take_statistics().dense_bytes, 0);
  }
}

TEST(Dense, ReturnsBeforeTheOtherReplicaHasCome) {
  auto group = comm::make_thread_group(2);
  MethodExchange first(method("none"), *group[0], {{"x", {3}}}, 0),
      second(method("none"), *group[1], {{"x", {3}}}, 0);
  const at::Tensor a = at::full({3}, 1.0F), b = at::full({3}, 3.0F);
  const comm::Work early = first.exchange({a, {{"x", a}}});
  EXPECT_FALSE(early.done());
  second.exchange({b, {{"x", b}}}).wait();
  early.wait();
  EXPECT_TRUE(at::equal(a, at::full({3}, 2.0F)));
}

TEST(Dense, Fp16DividesBeforeItSums) {
  Replicas replicas(4, method("fp16"), {{"w", {2}}});
  std::vector<Gradients> given;
  for (int w = 0; w < 4; ++w) given.push_back({at::full({2}, 40000.0F + static_cast<float>(w))});
  for (const Gradients& held : replicas.step(0, given))
    EXPECT_LT(relative(held[0], mean_of(given, 0)), 1e-3);
  EXPECT_EQ(replicas[0].take_statistics().sent_bytes, 4);
  given[2][0].fill_(3e5F);  // beyond the format
  for (const Gradients& held : replicas.step(1, given))
    EXPECT_FALSE(at::isfinite(held[0]).any().item<bool>());
}

TEST(Dense, UnknownNamesAreRefused) {
  auto group = comm::make_thread_group(1);
  EXPECT_THROW(MethodExchange(method("topq"), *group[0], {{"w", {3}}}, 0), Error);
}

}  // namespace
}  // namespace spillway::compression
