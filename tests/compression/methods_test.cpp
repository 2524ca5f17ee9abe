// What every method promises, for every method and number of replicas.
#include <gtest/gtest.h>

#include <cmath>
#include <thread>

#include "compression/payload.hpp"
#include "configs/error.hpp"
#include "tests/compression/replicas.hpp"

namespace spillway::compression {
namespace {

struct Case {
  std::string name;
  config::CompressionConfig config;
  bool feeds_back = true;
  bool linear = true;  ///< the result depends on the mean gradient only
};

std::vector<Case> cases() {
  std::vector<Case> all{{"none", early_and_small("none"), false},
                        {"bf16", early_and_small("bf16"), false},
                        {"fp16", early_and_small("fp16"), false},
                        {"powersgd", early_and_small("powersgd")},
                        {"acp", early_and_small("acp")},
                        {"topk", early_and_small("topk"), true, false},
                        {"randomk", early_and_small("randomk")},
                        {"qsgd8", early_and_small("qsgd"), false, false},
                        {"qsgd4", early_and_small("qsgd"), false, false},
                        {"sign", early_and_small("sign"), true, false},
                        {"iterated", early_and_small("powersgd")},
                        {"refreshed", early_and_small("powersgd")},
                        {"bucket", early_and_small("powersgd")},
                        {"adaptive", early_and_small("powersgd")},
                        {"mixed", early_and_small("powersgd"), true, false}};
  for (Case& one : all) {
    config::CompressionConfig& config = one.config;
    if (one.name == "qsgd4") config.quantization = "int4";
    if (one.name == "iterated") config.power_iterations = 2;
    if (one.name == "refreshed") config.refresh_every = 3;
    if (one.name == "bucket") config.matrix = "bucket";
    if (one.name == "adaptive") {
      config.adaptive_rank = "bytes";
      config.approximation_rank = 6;
      config.adapt_every = 2;
      config.byte_budget = 5000.0 / 1048576;
    }
    if (one.name == "mixed") {
      config.rules = {{"attention", {{"method", "'topk'"}}},
                      {"^(norm|bias)$", {{"method", "'randomk'"}, {"density", "0.5"}}},
                      {"convolution", {{"method", "'sign'"}}},
                      {"again", {{"approximation_rank", "1"}}}};
    }
  }
  return all;
}

/// For gtest, in place of the bytes.
void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

class Methods : public testing::TestWithParam<Case> {};

/// With a part of rank 2 that all replicas and steps share, as gradients of a model have it;
/// without one, which directions PowerSGD finds in noise hangs on the last bit.
std::vector<Gradients> structured_gradients_of(int replicas, int step) {
  auto all = random_gradients_of(replicas, step);
  for (std::size_t i = 0; i < all[0].size(); ++i) {
    const std::vector<std::int64_t> shape = mixed_shapes()[i].shape;
    if (shape.size() < 2) continue;
    at::manual_seed(31 + i);
    const at::Tensor signal =
        at::mm(at::randn({shape[0], 2}), at::randn({2, all[0][i].numel() / shape[0]}));
    for (Gradients& gradients : all) gradients[i] += 5 * signal.view(shape);
  }
  return all;
}

/// Sum of outputs + mean error = sum of mean gradients, in float64, for each parameter.
double worst_leak(const Case& one, int count, int steps, double* largest_error_norm) {
  const auto parameters = mixed_shapes();
  Replicas replicas(count, one.config, parameters);
  std::vector<at::Tensor> missing;
  for (const auto& parameter : parameters)
    missing.push_back(at::zeros(parameter.shape, at::kDouble));
  for (int step = 0; step < steps; ++step) {
    const auto gradients = random_gradients_of(count, step);
    const auto held = replicas.step(step, gradients);
    for (std::size_t i = 0; i < parameters.size(); ++i)
      missing[i] += mean_of(gradients, i) - held[0][i].to(at::kDouble);
    if (largest_error_norm && step == steps / 4) *largest_error_norm = error_norm(replicas[0]);
  }
  if (largest_error_norm) *largest_error_norm = error_norm(replicas[0]) / *largest_error_norm;
  double worst = 0;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const double leak = (missing[i] - replicas.mean_state(i, "error")).norm().item<double>();
    worst = std::max(worst, leak / (steps * std::sqrt(static_cast<double>(missing[i].numel()))));
  }
  return worst;
}

TEST_P(Methods, NothingIsLost) {
  if (!GetParam().feeds_back) GTEST_SKIP() << "sends everything, or is unbiased";
  for (const int count : {1, 2, 4, 8})
    EXPECT_LT(worst_leak(GetParam(), count, 20, nullptr), 1e-6) << count << " replicas";
}

TEST_P(Methods, NothingIsLostAndTheErrorStaysBoundedOver2000Steps) {
  if (!GetParam().feeds_back) GTEST_SKIP() << "sends everything, or is unbiased";
  double growth = 0;
  EXPECT_LT(worst_leak(GetParam(), 2, 2000, &growth), 1e-6);
  EXPECT_LT(growth, 1.5);  // from step 500 on
}

TEST_P(Methods, EveryReplicaHoldsTheSameBits) {
  for (const int count : {1, 2, 4, 8}) {
    Replicas replicas(count, GetParam().config, mixed_shapes());
    for (int step = 0; step < 5; ++step) {
      const auto held = replicas.step(step, random_gradients_of(count, step));
      for (const Gradients& other : held) {
        for (std::size_t i = 0; i < other.size(); ++i)
          ASSERT_TRUE(at::equal(other[i], held[0][i])) << count << ", " << step << ", " << i;
      }
    }
  }
}

TEST_P(Methods, TheSplitOfTheGradientDoesNotMatter) {
  if (!GetParam().linear) GTEST_SKIP() << "what is sent depends on each replica's own gradient";
  const auto parameters = mixed_shapes();
  Replicas one(1, GetParam().config, parameters), four(4, GetParam().config, parameters);
  const bool half = GetParam().name == "bf16" || GetParam().name == "fp16";
  for (int step = 0; step < 8; ++step) {
    const auto quarters = random_gradients_of(4, step);
    Gradients whole;
    for (std::size_t i = 0; i < parameters.size(); ++i)
      whole.push_back(mean_of(quarters, i).to(at::kFloat));
    const auto from_one = one.step(step, {whole}), from_four = four.step(step, quarters);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      EXPECT_LT(relative(from_four[0][i], from_one[0][i]), half ? 1e-2 : 1e-4)
          << parameters[i].name << ", step " << step;
    }
  }
}

TEST_P(Methods, ZeroGivesZero) {
  for (const int count : {1, 2}) {
    Replicas replicas(count, GetParam().config, mixed_shapes());
    Gradients zeros;
    for (const auto& parameter : mixed_shapes()) zeros.push_back(at::zeros(parameter.shape));
    for (int step = 0; step < 4; ++step) {
      const auto held =
          replicas.step(step, std::vector<Gradients>(static_cast<std::size_t>(count), zeros));
      for (const at::Tensor& out : held[0]) EXPECT_EQ(out.abs().max().item<float>(), 0.0F);
    }
    EXPECT_EQ(error_norm(replicas[0]), 0);
  }
}

TEST_P(Methods, BytesAtTheCallSiteAreTheAnalyticOnes) {
  if (GetParam().name == "adaptive") GTEST_SKIP() << "the ranks decide";
  const auto buckets = make_buckets(mixed_shapes(), GetParam().config.bucket_mib);
  ASSERT_GT(buckets.size(), 1U);
  auto config = GetParam().config;
  config.start_step = 1;
  for (const std::string wire : {"fp32", "bf16"}) {
    config.wire = wire;
    for (const int count : {1, 2, 4, 8}) {
      Replicas replicas(count, config, mixed_shapes());
      for (int step = 0; step < 6; ++step) {
        const comm::TrafficSnapshot before = replicas.communicator(0).traffic();
        replicas.step(step, random_gradients_of(count, step));
        const comm::TrafficSnapshot after = replicas.communicator(0).traffic();
        const auto bytes = [&](comm::Operation operation) {
          return after[operation].payload_bytes - before[operation].payload_bytes;
        };
        Payload expected;
        for (const auto& bucket : buckets) expected += payload_of(config, bucket, count, step);
        EXPECT_EQ(bytes(comm::Operation::all_reduce), expected.all_reduce);
        EXPECT_EQ(bytes(comm::Operation::all_gather), count * expected.all_gather);
        EXPECT_EQ(bytes(comm::Operation::all_to_all), expected.all_to_all);
        EXPECT_EQ(after.total().calls - before.total().calls, expected.collectives);
        const double left = after.total().wire_bytes - before.total().wire_bytes;
        EXPECT_NEAR(left, expected.wire(count), 1e-6 * left);
        const ExchangeStatistics statistics = replicas[0].take_statistics();
        EXPECT_EQ(statistics.sent_bytes, expected.sent());
        EXPECT_NEAR(statistics.wire_bytes, left, 1e-6 * left);
      }
    }
  }
}

TEST_P(Methods, AtMostTwoCollectivesAnExchange) {
  const Case& one = GetParam();
  if (one.name == "mixed" || one.name == "iterated" || one.name == "refreshed")
    GTEST_SKIP() << "several methods, or several iterations";
  auto config = one.config;
  config.bucket_mib = 25;
  Replicas replicas(2, config, mixed_shapes());
  const bool single = one.name == "acp" || one.name == "topk" || one.name == "randomk" ||
                      config.method == "none" || config.method == "bf16" || config.method == "fp16";
  for (int step = 0; step < 3; ++step) replicas.step(step, random_gradients_of(2, step));
  EXPECT_EQ(replicas.communicator(0).traffic().total().calls, 3 * (single ? 1 : 2));
}

TEST_P(Methods, AnInfinityOnOneReplicaIsContained) {
  for (const float bad : {INFINITY, NAN}) {
    Replicas replicas(2, GetParam().config, mixed_shapes()),
        clean(2, GetParam().config, mixed_shapes());
    for (int step = 0; step < 3; ++step) {
      replicas.step(step, random_gradients_of(2, step));
      clean.step(step, random_gradients_of(2, step));
    }
    auto gradients = random_gradients_of(2, 3);
    for (const std::size_t i : {0U, 1U, 2U, 5U}) gradients[1][i].view(-1)[3] = bad;
    const auto held = replicas.step(3, gradients, false);
    for (const Gradients& one : held) {
      for (const std::size_t i : {0U, 1U, 2U, 5U})
        EXPECT_FALSE(at::isfinite(one[i]).all().item<bool>()) << i;
      for (std::size_t i = 0; i < one.size(); ++i)
        EXPECT_EQ(at::isfinite(one[i]).all().item<bool>(),
                  at::isfinite(held[0][i]).all().item<bool>());
    }
    const auto after = replicas.step(3, random_gradients_of(2, 4)),
               expected = clean.step(3, random_gradients_of(2, 4));
    for (std::size_t i = 0; i < expected[0].size(); ++i)
      EXPECT_TRUE(at::equal(after[0][i], expected[0][i])) << i;
    EXPECT_EQ(error_norm(replicas[0]), error_norm(clean[0]));
  }
}

TEST_P(Methods, StateStaysFiniteEvenWhenABadStepIsKept) {
  Replicas replicas(2, GetParam().config, mixed_shapes());
  replicas.step(0, random_gradients_of(2, 0));
  auto gradients = random_gradients_of(2, 1);
  for (at::Tensor& gradient : gradients[1]) gradient.view(-1)[0] = INFINITY;
  replicas.step(1, gradients, true);
  for (std::size_t w = 0; w < 2; ++w) {
    for (const NamedState& state : replicas[w].state())
      EXPECT_TRUE(at::isfinite(state.tensor).all().item<bool>()) << state.name;
    EXPECT_TRUE(std::isfinite(error_norm(replicas[w])));
  }
}

/// Replicas average their errors, as before a checkpoint.
void average(Replicas& replicas) {
  std::vector<std::thread> threads;
  for (std::size_t w = 0; w < replicas.size(); ++w)
    threads.emplace_back([&replicas, w] { replicas[w].average_errors(); });
  for (std::thread& thread : threads) thread.join();
}

TEST_P(Methods, OneCopyOfTheStateResumesBitForBit) {
  Replicas straight(4, GetParam().config, mixed_shapes()),
      resumed(4, GetParam().config, mixed_shapes());
  for (int step = 0; step < 5; ++step) straight.step(step, random_gradients_of(4, step));
  average(straight);
  const std::vector<NamedState> state = straight[0].state();
  for (std::size_t w = 0; w < 4; ++w) EXPECT_TRUE(resumed[w].load_state(state).empty());
  EXPECT_NEAR(error_norm(resumed[1]), error_norm(straight[1]), 1e-4);
  for (int step = 5; step < 9; ++step) {
    const auto gradients = random_gradients_of(4, step);
    const auto expected = straight.step(step, gradients), actual = resumed.step(step, gradients);
    for (std::size_t i = 0; i < expected[0].size(); ++i)
      ASSERT_TRUE(at::equal(actual[0][i], expected[0][i])) << step << ", " << i;
  }
}

TEST_P(Methods, AveragingErrorsLosesNothing) {
  const auto parameters = mixed_shapes();
  Replicas replicas(4, GetParam().config, parameters);
  for (int step = 0; step < 3; ++step) replicas.step(step, random_gradients_of(4, step));
  std::vector<at::Tensor> before;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    before.push_back(replicas.mean_state(i, "error"));
  average(replicas);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_LT((replicas.mean_state(i, "error") - before[i]).norm().item<double>(),
              1e-6 * (1 + before[i].norm().item<double>()));
  }
}

TEST_P(Methods, AnotherNumberOfReplicasGoesOnWithTheMean) {
  if (!GetParam().linear) GTEST_SKIP() << "what is sent depends on each replica's own gradient";
  const bool half = GetParam().config.method == "bf16" || GetParam().config.method == "fp16";
  // A bucket as a matrix is close to noise whatever its tensors are.
  const double tolerance = half ? 1e-2 : GetParam().name == "bucket" ? 3e-2 : 1e-3;
  const auto parameters = mixed_shapes();
  Replicas four(4, GetParam().config, parameters), two(2, GetParam().config, parameters);
  for (int step = 0; step < 4; ++step) four.step(step, structured_gradients_of(4, step));
  average(four);
  for (std::size_t w = 0; w < 2; ++w) two[w].load_state(four[0].state());
  for (int step = 4; step < 34; ++step) {
    const auto quarters = structured_gradients_of(4, step);
    std::vector<Gradients> halves(2);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      for (std::size_t h = 0; h < 2; ++h)
        halves[h].push_back((quarters[2 * h][i] + quarters[2 * h + 1][i]) / 2);
    }
    const auto expected = four.step(step, quarters), actual = two.step(step, halves);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      EXPECT_LT(relative(actual[0][i], expected[0][i]), tolerance)
          << parameters[i].name << ", step " << step;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Methods, testing::ValuesIn(cases()),
                         [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace spillway::compression
