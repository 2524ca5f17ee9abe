#include "compression/low_rank/adaptive_rank.hpp"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/compression/replicas.hpp"

namespace spillway::compression {
namespace {

Spectrum spectrum(std::int64_t rows, std::int64_t columns, std::vector<double> values,
                  std::int64_t most = 8) {
  return {{rows, columns, most}, std::move(values)};
}

TEST(AdaptiveRank, SingularValuesAreThoseOfTheMatrix) {
  at::manual_seed(4);
  const at::Tensor p = std::get<0>(at::linalg_qr(at::randn({40, 5}, at::kDouble)));
  const at::Tensor q = at::randn({5, 30}, at::kDouble);
  const at::Tensor exact = at::linalg_svdvals(at::mm(p, q));
  const std::vector<double> values = singular_values(q.to(at::kFloat));
  ASSERT_EQ(values.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_NEAR(values[i], exact[static_cast<std::int64_t>(i)].item<double>(), 1e-5);
  const at::Tensor sorted = strongest_first(q.to(at::kFloat));
  const at::Tensor gram = at::mm(sorted, sorted.t()).to(at::kDouble);
  EXPECT_LT((gram - at::diag(exact.slice(0, 0, 5).square())).abs().max().item<double>(), 1e-3);
}

TEST(AdaptiveRank, BytesGoWhereTheEnergyIs) {
  const std::vector<Spectrum> spectra{spectrum(10, 10, {9, 8, 7, 6}),
                                      spectrum(10, 10, {9, 1, 0.1, 0.1}),
                                      spectrum(100, 100, {9, 8, 7, 6})};
  const auto ranks = ranks_within_elements(spectra, 20 + 20 + 200 + 60);
  EXPECT_EQ(ranks, (std::vector<std::int64_t>{4, 1, 1}));
  EXPECT_EQ(ranks_within_elements(spectra, 0), (std::vector<std::int64_t>{1, 1, 1}));
  EXPECT_EQ(ranks_within_elements(spectra, 1e9), (std::vector<std::int64_t>{8, 8, 8}));
}

TEST(AdaptiveRank, TheBudgetIsNeverExceededWhereOneEachFits) {
  at::manual_seed(5);
  for (int round = 0; round < 50; ++round) {
    std::vector<Spectrum> spectra;
    double least = 0;
    for (int i = 0; i < 6; ++i) {
      const auto rows = at::randint(2, 60, {1}).item<std::int64_t>();
      spectra.push_back(
          spectrum(rows, 30, {3.0 + i, 1.0 / (i + 1)}, std::min<std::int64_t>(rows, 5)));
      least += static_cast<double>(rows + 30);
    }
    const double budget = least + 40.0 * round;
    const auto ranks = ranks_within_elements(spectra, budget);
    double used = 0;
    for (std::size_t i = 0; i < ranks.size(); ++i) {
      EXPECT_GE(ranks[i], 1);
      EXPECT_LE(ranks[i], spectra[i].shape.approximation_rank);
      used += static_cast<double>(ranks[i] * (spectra[i].shape.rows + spectra[i].shape.columns));
    }
    EXPECT_LE(used, budget);
  }
}

TEST(AdaptiveRank, ErrorBudgetTakesTheLeastRank) {
  // 10, 1 and a guessed tail 1/2 + 1/4 + ... of squares.
  const std::vector<Spectrum> spectra{spectrum(30, 30, {10, 1}), spectrum(30, 30, {1, 1, 1, 1}),
                                      spectrum(3, 3, {1, 1, 1}, 3)};
  EXPECT_EQ(ranks_within_error(spectra, 0.2), (std::vector<std::int64_t>{1, 7, 3}));
  EXPECT_EQ(ranks_within_error(spectra, 1), (std::vector<std::int64_t>{1, 1, 1}));
  EXPECT_EQ(ranks_within_error(spectra, 0)[2], 3);
}

TEST(AdaptiveRank, FollowsTheSpectrumOfTheGradients) {
  config::CompressionConfig config;
  config.method = "powersgd";
  config.approximation_rank = 8;
  config.start_step = 0;
  config.min_compression_rate = 1;
  config.adaptive_rank = "error";
  config.adapt_every = 2;
  config.error_budget = 0.05;
  const std::vector<ParameterShape> parameters{{"simple", {60, 50}}, {"rich", {60, 50}}};
  Replicas replicas(2, config, parameters);
  at::manual_seed(6);
  const auto of_rank = [](std::int64_t rank) {
    return at::mm(at::randn({60, rank}), at::randn({rank, 50}));
  };
  const at::Tensor simple = of_rank(2), rich = of_rank(6);
  for (int step = 0; step < 12; ++step) {
    const auto held = replicas.step(step, {{simple, rich}, {simple, rich}});
    if (step > 9) {
      EXPECT_LT(relative(held[0][0], simple), 0.06);
      EXPECT_LT(relative(held[0][1], rich), 0.3);  // what was missed comes with it
    }
  }
  const auto ranks = replicas[0].ranks();
  ASSERT_EQ(ranks.size(), 2U);
  EXPECT_EQ(ranks[0].parameter, 0);
  EXPECT_LE(ranks[0].rank, 3);
  EXPECT_GE(ranks[1].rank, 5);
  EXPECT_LT(replicas[0].take_statistics().sent_bytes, 12 * 4 * 2 * 8 * 110);
}

TEST(AdaptiveRank, ByteBudgetHoldsAtTheWire) {
  config::CompressionConfig config = early_and_small("powersgd");
  config.approximation_rank = 6;
  config.adaptive_rank = "bytes";
  config.adapt_every = 2;
  for (const double bytes : {6000.0, 8000.0, 1e6}) {
    config.byte_budget = bytes / 1048576;
    Replicas replicas(2, config, mixed_shapes());
    std::int64_t most = 0;
    for (int step = 0; step < 8; ++step) {
      replicas.step(step, random_gradients_of(2, step));
      const std::int64_t sent = replicas[0].take_statistics().sent_bytes;
      if (step >= 2) most = std::max(most, sent);
    }
    EXPECT_LE(static_cast<double>(most), bytes);
    // Ranks of 6 for all of them are 7312 bytes.
    EXPECT_GT(static_cast<double>(most), std::min(0.8 * bytes, 7300.0));
  }
}

}  // namespace
}  // namespace spillway::compression
