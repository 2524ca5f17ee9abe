#include "compression/power_sgd.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "configs/error.hpp"
#include "tests/compression/replicas.hpp"

namespace spillway::compression {
namespace {

config::CompressionConfig powersgd(std::int64_t approximation_rank,
                                   const std::string& error_feedback = "local") {
  config::CompressionConfig config;
  config.method = "powersgd";
  config.approximation_rank = approximation_rank;
  config.error_feedback = error_feedback;
  config.start_step = 0;
  config.min_compression_rate = 1.2;
  return config;
}

std::vector<Gradients> gradients_of(
    std::size_t replicas, int step,
    const std::vector<ParameterShape>& parameters = mixed_shapes()) {
  std::vector<Gradients> all;
  for (std::size_t w = 0; w < replicas; ++w)
    all.push_back(random_gradients(parameters, step, static_cast<int>(w)));
  return all;
}

bool compressed(const ParameterShape& parameter, const config::CompressionConfig& config) {
  return worth_compressing(low_rank_shape(parameter.shape, config.approximation_rank),
                           config.min_compression_rate);
}

TEST(PowerSgd, WhatIsSentAndWhatIsKeptAddUpToWhatWasGiven) {
  const auto parameters = mixed_shapes();
  for (const int count : {1, 2, 4}) {
    for (const std::string feedback : {"local", "global"}) {
      Replicas replicas(count, powersgd(2, feedback), parameters);
      std::vector<at::Tensor> given, sent;
      for (const auto& parameter : parameters)
        given.push_back(at::zeros(parameter.shape, at::kDouble));
      for (const auto& parameter : parameters)
        sent.push_back(at::zeros(parameter.shape, at::kDouble));
      for (int step = 0; step < 20; ++step) {
        const auto gradients = gradients_of(replicas.size(), step);
        const auto held = replicas.step(step, gradients);
        for (std::size_t i = 0; i < parameters.size(); ++i) {
          given[i] += mean_of(gradients, i);
          sent[i] += held[0][i];
          for (const Gradients& other : held) ASSERT_TRUE(at::equal(other[i], held[0][i]));
        }
      }
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        EXPECT_LT(relative(sent[i] + replicas.mean_state(i, "error"), given[i]), 1e-6)
            << parameters[i].name << ", " << count << " replicas, " << feedback;
      }
    }
  }
}

TEST(PowerSgd, LocalErrorFeedbackStaysBoundedAndGlobalDoesNot) {
  const std::vector<ParameterShape> parameters{{"w", {32, 24}}};
  double early = 0, local = 0, global = 0;
  for (const std::string feedback : {"local", "global"}) {
    Replicas replicas(4, powersgd(2, feedback), parameters);
    for (int step = 0; step < 400; ++step) {
      replicas.step(step, gradients_of(4, step, parameters));
      if (step == 100 && feedback == "local") early = error_norm(replicas[0]);
    }
    (feedback == "local" ? local : global) = error_norm(replicas[0]);
  }
  EXPECT_GT(early, 0);
  EXPECT_LT(local, 1.3 * early);
  EXPECT_GT(global, 2 * local);
}

TEST(PowerSgd, OutputsDependOnTheMeanGradientOnly) {
  const auto parameters = mixed_shapes();
  for (const std::string feedback : {"local", "global"}) {
    Replicas one(1, powersgd(4, feedback), parameters), two(2, powersgd(4, feedback), parameters),
        four(4, powersgd(4, feedback), parameters);
    for (int step = 0; step < 5; ++step) {
      const auto quarters = gradients_of(4, step);
      std::vector<Gradients> halves(2), whole(1);
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        for (std::size_t h = 0; h < 2; ++h)
          halves[h].push_back((quarters[2 * h][i] + quarters[2 * h + 1][i]) / 2);
        whole[0].push_back((halves[0][i] + halves[1][i]) / 2);
      }
      const auto from_one = one.step(step, whole), from_two = two.step(step, halves),
                 from_four = four.step(step, quarters);
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        EXPECT_LT(relative(from_two[0][i], from_one[0][i]), 1e-5)
            << parameters[i].name << ", step " << step;
        EXPECT_LT(relative(from_four[0][i], from_one[0][i]), 1e-5)
            << parameters[i].name << ", step " << step;
      }
    }
  }
}

TEST(PowerSgd, BucketsDoNotChangeABit) {
  const auto parameters = mixed_shapes();
  auto small = powersgd(2);
  small.bucket_mib = 0.004;
  Replicas whole(2, powersgd(2), parameters), cut(2, small, parameters);
  for (int step = 0; step < 3; ++step) {
    const auto gradients = gradients_of(2, step);
    const auto expected = whole.step(step, gradients), actual = cut.step(step, gradients);
    for (std::size_t i = 0; i < parameters.size(); ++i)
      EXPECT_TRUE(at::equal(actual[0][i], expected[0][i]));
  }
  EXPECT_GT(cut.communicator(0).traffic().total().calls,
            whole.communicator(0).traffic().total().calls);
}

TEST(PowerSgd, GradientOfLowRankArrivesWhole) {
  at::manual_seed(9);
  const std::vector<ParameterShape> parameters{
      {"rank one", {30, 20}}, {"equal columns", {20, 30}}, {"tall", {200, 3}}, {"wide", {2, 90}}};
  const at::Tensor left = at::randn({30, 1}), right = at::randn({1, 20}),
                   column = at::randn({20, 1});
  for (const std::int64_t r : {1, 2, 4, 8}) {
    auto config = powersgd(r);
    config.min_compression_rate = 0;  // everything is compressed
    Replicas replicas(2, config, parameters);
    for (int step = 0; step < 4; ++step) {  // later steps start from factors with empty directions
      std::vector<Gradients> given(2);
      for (Gradients& gradients : given) {
        const double scale = at::randn({1}).item<double>();
        gradients = {at::mm(left, right) * scale, (column * scale).expand({20, 30}).contiguous(),
                     at::randn({200, 1}).expand({200, 3}).contiguous(),
                     at::randn({1, 90}).expand({2, 90}).contiguous()};
      }
      const auto held = replicas.step(step, given);
      for (std::size_t i = 0; i < parameters.size(); ++i) {
        EXPECT_LT(relative(held[0][i], mean_of(given, i)), 2e-6)
            << parameters[i].name << ", r = " << r;
      }
    }
  }
}

TEST(PowerSgd, ANewDirectionIsFoundAfterStepsOfLowRank) {
  at::manual_seed(10);
  const std::vector<ParameterShape> parameters{{"w", {30, 20}}};
  Replicas replicas(1, powersgd(2), parameters);
  const at::Tensor one = at::mm(at::randn({30, 1}), at::randn({1, 20}));
  const at::Tensor two = one + at::mm(at::randn({30, 1}), at::randn({1, 20}));
  for (int step = 0; step < 3; ++step) replicas.step(step, {{one}});
  EXPECT_LT(relative(replicas.step(3, {{two}})[0][0], two), 1e-5);
}

TEST(PowerSgd, ZeroGradientGivesZeroAndKeepsNothing) {
  const auto parameters = mixed_shapes();
  for (const std::int64_t r : {1, 2, 4}) {
    Replicas replicas(2, powersgd(r), parameters);
    for (int step = 0; step < 2; ++step) {
      std::vector<Gradients> zeros(2);
      for (Gradients& gradients : zeros) {
        for (const auto& parameter : parameters) gradients.push_back(at::zeros(parameter.shape));
      }
      const auto held = replicas.step(step, zeros);
      for (const at::Tensor& out : held[0]) EXPECT_EQ(out.abs().max().item<float>(), 0.0F);
      EXPECT_EQ(error_norm(replicas[0]), 0);
    }
  }
}

TEST(PowerSgd, RankAboveBothDimensionsSendsEverything) {
  const std::vector<ParameterShape> parameters{
      {"w", {6, 9}}, {"row", {1, 50}}, {"vector", {33}}, {"scalar", {}}};
  auto config = powersgd(16);
  config.min_compression_rate = 0;
  Replicas replicas(2, config, parameters);
  const auto gradients = gradients_of(2, 0, parameters);
  const auto held = replicas.step(0, gradients);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_LT(relative(held[0][i], mean_of(gradients, i)), 1e-6) << parameters[i].name;
  }
}

TEST(PowerSgd, FixedGradientWithoutFeedbackConvergesToTheBestApproximation) {
  const std::vector<ParameterShape> parameters{{"w", {40, 30}}};
  Replicas replicas(2, powersgd(3, "off"), parameters);
  at::manual_seed(11);
  const at::Tensor values = at::logspace(0, -3, 30, 10.0, at::kDouble);
  const at::Tensor left = std::get<0>(at::linalg_qr(at::randn({40, 30}, at::kDouble)));
  const at::Tensor right = std::get<0>(at::linalg_qr(at::randn({30, 30}, at::kDouble)));
  const at::Tensor gradient = at::mm(left * values, right.t()).to(at::kFloat);
  at::Tensor out;
  for (int step = 0; step < 40; ++step) out = replicas.step(step, {{gradient}, {gradient}})[0][0];
  const at::Tensor rest = values.slice(0, 3);
  EXPECT_NEAR(relative(out, gradient) * values.norm().item<double>(), rest.norm().item<double>(),
              1e-5);
  EXPECT_EQ(error_norm(replicas[0]), 0);
  for (const NamedState& state : replicas[0].state()) EXPECT_EQ(state.name, "w/q");
}

TEST(PowerSgd, WithoutWarmStartEveryStepDrawsItsOwnFactor) {
  const std::vector<ParameterShape> parameters{{"w", {40, 30}}};
  auto config = powersgd(2, "off");
  config.warm_start = false;
  Replicas replicas(1, config, parameters), late(1, config, parameters);
  const auto gradients = gradients_of(1, 0, parameters);
  const at::Tensor first = replicas.step(0, gradients)[0][0],
                   second = replicas.step(1, gradients)[0][0];
  EXPECT_GT(relative(second, first), 0.1);
  EXPECT_TRUE(
      at::equal(late.step(1, gradients)[0][0], second));  // a function of the step, not of the past
  EXPECT_TRUE(replicas[0].state().empty());
}

TEST(PowerSgd, BeforeStartStepTheExchangeIsPlain) {
  auto config = powersgd(2);
  config.start_step = 2;
  Replicas replicas(2, config, mixed_shapes()), fresh(2, powersgd(2), mixed_shapes());
  for (int step = 0; step < 2; ++step) {
    const auto gradients = gradients_of(2, step);
    const auto held = replicas.step(step, gradients);
    for (std::size_t i = 0; i < held[0].size(); ++i)
      EXPECT_LT(relative(held[0][i], mean_of(gradients, i)), 1e-6);
    EXPECT_TRUE(replicas[0].state().empty());
  }
  const auto gradients = gradients_of(2, 2);
  const auto held = replicas.step(2, gradients), expected = fresh.step(0, gradients);
  for (std::size_t i = 0; i < held[0].size(); ++i)
    EXPECT_TRUE(at::equal(held[0][i], expected[0][i]));
}

TEST(PowerSgd, SendsTheBytesOfTheFactorsInTwoCollectives) {
  const auto parameters = mixed_shapes();
  for (const auto& [wire, width] : {std::pair{"fp32", 4}, {"bf16", 2}}) {
    auto config = powersgd(2);
    config.wire = wire;
    Replicas replicas(2, config, parameters);
    replicas.step(0, gradients_of(2, 0));
    std::int64_t elements = 0, dense = 0;
    for (const auto& parameter : parameters) {
      const LowRankShape shape = low_rank_shape(parameter.shape, 2);
      elements += compressed(parameter, config) ? shape.compressed() : shape.dense();
      dense += shape.dense();
    }
    const ExchangeStatistics statistics = replicas[0].take_statistics();
    const auto traffic = replicas.communicator(0).traffic().total();
    EXPECT_EQ(statistics.sent_bytes, width * elements);
    EXPECT_EQ(statistics.sent_bytes, traffic.payload_bytes);
    EXPECT_EQ(statistics.dense_bytes, 4 * dense);
    EXPECT_EQ(traffic.calls, 2);
    EXPECT_GT(statistics.compress_seconds, 0);
    EXPECT_GT(statistics.wire_seconds, 0);
    EXPECT_GT(statistics.decompress_seconds, 0);
  }
}

TEST(PowerSgd, ErrorNormIsThatOfTheState) {
  Replicas replicas(2, powersgd(2), mixed_shapes());
  replicas.step(0, gradients_of(2, 0));
  double squares = 0;
  for (const NamedState& state : replicas[1].state()) {
    if (state.name.ends_with("/error"))
      squares += state.tensor.to(at::kDouble).square().sum().item<double>();
  }
  EXPECT_NEAR(error_norm(replicas[1]) / std::sqrt(squares), 1, 1e-5);
}

TEST(PowerSgd, Bf16WireKeepsErrorAndFactorsInFloat32) {
  const auto parameters = mixed_shapes();
  auto config = powersgd(2);
  config.wire = "bf16";
  Replicas exact(2, powersgd(2), parameters), rounded(2, config, parameters);
  std::vector<at::Tensor> missing;
  for (const auto& parameter : parameters)
    missing.push_back(at::zeros(parameter.shape, at::kDouble));
  for (int step = 0; step < 10; ++step) {
    const auto gradients = gradients_of(2, step);
    const auto expected = exact.step(step, gradients), actual = rounded.step(step, gradients);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      if (step == 0) {
        EXPECT_LT(relative(actual[0][i], expected[0][i]), 2e-2) << parameters[i].name;
      }
      missing[i] += mean_of(gradients, i) - actual[0][i].to(at::kDouble);
    }
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    // Rounded sums are the only leak: 2^-9 of each output, and outputs are as large as gradients.
    const double scale = std::sqrt(10.0 * static_cast<double>(missing[i].numel()));
    EXPECT_LT((missing[i] - rounded.mean_state(i, "error")).norm().item<double>() / scale, 4e-3)
        << parameters[i].name;
  }
}

TEST(PowerSgd, ValueThatIsNotFiniteReachesAllReplicasAndNoState) {
  const auto parameters = mixed_shapes();
  for (const float bad : {INFINITY, -INFINITY, NAN}) {
    Replicas replicas(2, powersgd(2), parameters), clean(2, powersgd(2), parameters);
    replicas.step(0, gradients_of(2, 0));
    clean.step(0, gradients_of(2, 0));
    auto gradients = gradients_of(2, 1);
    gradients[1][0][3][5] = bad;  // a compressed parameter
    gradients[0][1][2] = bad;     // one that is sent whole
    const auto held = replicas.step(1, gradients, false);
    for (const Gradients& one : held) {
      EXPECT_FALSE(at::isfinite(one[0]).any().item<bool>());
      EXPECT_FALSE(std::isfinite(one[1][2].item<float>()));
      for (std::size_t i = 2; i < parameters.size(); ++i)
        EXPECT_TRUE(at::isfinite(one[i]).all().item<bool>());
    }
    const auto after = replicas.step(1, gradients_of(2, 2)),
               expected = clean.step(1, gradients_of(2, 2));
    for (std::size_t i = 0; i < parameters.size(); ++i)
      EXPECT_TRUE(at::equal(after[0][i], expected[0][i]));
  }
}

TEST(PowerSgd, StateStaysFiniteEvenWhenABadStepIsKept) {
  Replicas replicas(2, powersgd(2), mixed_shapes());
  replicas.step(0, gradients_of(2, 0));
  auto gradients = gradients_of(2, 1);
  gradients[1][2][0][0] = INFINITY;
  replicas.step(1, gradients, true);
  for (std::size_t w = 0; w < 2; ++w) {
    for (const NamedState& state : replicas[w].state())
      EXPECT_TRUE(at::isfinite(state.tensor).all().item<bool>()) << state.name;
    EXPECT_TRUE(std::isfinite(error_norm(replicas[w])));
  }
}

TEST(PowerSgd, SkippedStepLeavesNoTrace) {
  for (const bool warm_start : {true, false}) {
    auto config = powersgd(2);
    config.warm_start = warm_start;
    Replicas skipping(2, config, mixed_shapes()), straight(2, config, mixed_shapes());
    skipping.step(0, gradients_of(2, 9), false);  // before anything was kept
    for (int step = 0; step < 3; ++step) {
      const auto actual = skipping.step(step, gradients_of(2, step)),
                 expected = straight.step(step, gradients_of(2, step));
      for (std::size_t i = 0; i < expected[0].size(); ++i)
        ASSERT_TRUE(at::equal(actual[0][i], expected[0][i])) << step;
      skipping.step(step + 1, gradients_of(2, 100 + step), false);
      EXPECT_EQ(error_norm(skipping[0]), error_norm(straight[0]));
    }
  }
}

TEST(PowerSgd, StateComesBackBitForBit) {
  const auto parameters = mixed_shapes();
  Replicas first(2, powersgd(2), parameters), second(2, powersgd(2), parameters);
  for (int step = 0; step < 3; ++step) first.step(step, gradients_of(2, step));
  second.step(0, gradients_of(2, 50));  // is overwritten
  for (std::size_t w = 0; w < 2; ++w) {
    second[w].load_state(first[w].state());
    EXPECT_NEAR(error_norm(second[w]), error_norm(first[w]), 1e-4);
  }
  const auto expected = first.step(3, gradients_of(2, 3)),
             actual = second.step(3, gradients_of(2, 3));
  for (std::size_t i = 0; i < parameters.size(); ++i)
    EXPECT_TRUE(at::equal(actual[0][i], expected[0][i]));
}

TEST(PowerSgd, MeanErrorResumesWithAnotherNumberOfReplicas) {
  const auto parameters = mixed_shapes();
  Replicas four(4, powersgd(2), parameters), one(1, powersgd(2), parameters);
  for (int step = 0; step < 3; ++step) four.step(step, gradients_of(4, step));
  std::vector<NamedState> state;
  for (const NamedState& entry : four[0].state()) {
    if (entry.name.ends_with("/q")) state.push_back(entry);
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    state.push_back({parameters[i].name + "/error", four.mean_state(i, "error").to(at::kFloat)});
  }
  one[0].load_state(state);
  const auto quarters = gradients_of(4, 3);
  Gradients mean;
  for (std::size_t i = 0; i < parameters.size(); ++i)
    mean.push_back(mean_of(quarters, i).to(at::kFloat));
  const auto expected = four.step(3, quarters), actual = one.step(3, {mean});
  for (std::size_t i = 0; i < parameters.size(); ++i)
    EXPECT_LT(relative(actual[0][i], expected[0][i]), 1e-5);
}

TEST(PowerSgd, StateOfAnotherRankKeepsTheErrorAndAnotherShapeIsRefused) {
  const std::vector<ParameterShape> parameters{{"w", {40, 30}}};
  Replicas two(1, powersgd(2), parameters), three(1, powersgd(3), parameters);
  two.step(0, gradients_of(1, 0, parameters));
  three[0].load_state(two[0].state());
  ASSERT_EQ(three[0].state().size(), 1U);
  EXPECT_EQ(three[0].state()[0].name, "w/error");
  EXPECT_THROW(three[0].load_state({{"w/error", at::zeros({30, 40})}}), Error);
}

TEST(PowerSgd, UnknownParametersAndOtherShapesAreRefused) {
  auto group = comm::make_thread_group(1);
  MethodExchange exchange(powersgd(2), *group[0], {{"w", {4, 3}}}, 0);
  const at::Tensor flat = at::zeros({12});
  exchange.begin_step(0);
  EXPECT_THROW(exchange.exchange({flat, {{"v", flat.view({4, 3})}}}), c10::Error);
  EXPECT_THROW(exchange.exchange({flat, {{"w", flat.view({3, 4})}}}), c10::Error);
  EXPECT_THROW(MethodExchange(powersgd(2), *group[0], {{"w", {4}}, {"w", {4}}}, 0), c10::Error);
}

TEST(PowerSgd, BucketWithoutCompressedParametersOrWithoutAnyIsFine) {
  const std::vector<ParameterShape> vectors{{"a", {5}}, {"b", {0}}};
  Replicas replicas(2, powersgd(2), vectors);
  const auto gradients = gradients_of(2, 0, vectors);
  EXPECT_LT(relative(replicas.step(0, gradients)[0][0], mean_of(gradients, 0)), 1e-6);
  EXPECT_EQ(replicas.communicator(0).traffic().total().calls, 1);
  Replicas empty(2, powersgd(2), {{"b", {0}}});
  EXPECT_NO_THROW(empty.step(0, {{at::zeros({0})}, {at::zeros({0})}}));
}

}  // namespace
}  // namespace spillway::compression
