// Makespan, idle time and peak activations of every schedule against its closed form.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/parallel/pipeline/named_schedules.hpp"

namespace spillway::pipeline {
namespace {

using testing::Each;
using testing::ElementsAre;

struct Case {
  int p, v, m;
  RankCosts costs;
  ScheduleShape shape(int chunks) const {
    return {.ranks = p, .chunks = chunks, .microbatches = m};
  }
  double work() const { return m * costs.sum(); }
};

class Cases {
 public:
  explicit Cases(unsigned seed) : random_(seed) {}

  /// Random sizes and costs; m is at least `least_rounds` p + `least`.
  Case next(int least_rounds, int least) {
    const int p = between(1, 9), first = least_rounds * p + least;
    return {.p = p, .v = between(1, 4), .m = between(first, first + 24), .costs = costs()};
  }

 private:
  int between(int low, int high) { return std::uniform_int_distribution(low, high)(random_); }
  RankCosts costs() {
    std::uniform_real_distribution<double> seconds(0.01, 3);
    return {.f = seconds(random_), .i = seconds(random_), .w = seconds(random_)};
  }
  std::mt19937 random_;
};

constexpr int kTrials = 150;

void expect_idle(const std::string& name, const Case& c, int chunks, double idle) {
  const Simulation simulation = simulate_named(name, c.shape(chunks), c.costs);
  const auto text = [&] {
    return name + ": " + std::to_string(c.p) + " x " + std::to_string(chunks) + ", " +
           std::to_string(c.m) + ", F " + std::to_string(c.costs.f) + ", I " +
           std::to_string(c.costs.i) + ", W " + std::to_string(c.costs.w);
  };
  EXPECT_NEAR(simulation.makespan, c.work() + idle, 1e-9) << text();
  for (const Usage& usage : simulation.usage) {
    EXPECT_NEAR(usage.idle_seconds, idle, 1e-9) << text();
    EXPECT_NEAR(usage.busy_seconds, c.work(), 1e-9) << text();
  }
}

TEST(ClosedForms, LoopsOfWholeBackwards) {
  Cases cases(1);
  for (int trial = 0; trial < kTrials; ++trial) {
    const Case c = cases.next(0, 1);
    const double whole = c.costs.sum();
    const double span = ((c.v - 1) * std::max(c.m, c.p) + c.m + c.p - 1) * whole / c.v;
    expect_idle("interleaved-1f1b", c, c.v, span - c.work());
    expect_idle("looped-bfs", c, c.v, span - c.work());
    expect_idle("1f1b", c, 1, (c.p - 1) * whole);
    expect_idle("gpipe", c, 1, (c.p - 1) * whole);
    if (c.m >= c.p) {
      EXPECT_NEAR(span - c.work(), (c.p - 1) * whole / c.v, 1e-9);
    }
  }
}

TEST(ClosedForms, ZeroBubbleOnLinesAndLoops) {
  Cases cases(2);
  for (int trial = 0; trial < kTrials; ++trial) {
    const Case c = cases.next(1, 0);
    const auto [f, i, w] = c.costs;
    const double idle = (c.p - 1) * (f + i - std::min({f, i, w}));
    expect_idle("zb-h1", c, 1, idle);
    expect_idle("interleaved-zb", c, c.v, idle / c.v);
    if (w <= std::min(f, i)) {
      EXPECT_NEAR(idle, (c.p - 1) * (f + i - w), 1e-9);
    }
  }
}

TEST(ClosedForms, ZeroBubbleOfFewMicrobatches) {
  Cases cases(3);
  for (int trial = 0; trial < kTrials; ++trial) {
    const Case c = cases.next(0, 1);
    const auto [f, i, w] = c.costs;
    const int p = c.p, m = c.m, k = std::min(m, p);
    const double span = std::max({(p - 1) * f + m * (f + i) + (m - k) * w + (p - 1) * i + w,
                                  (p - 1) * f + m * (f + i) + m * w + (p - k) * i,
                                  std::max(m, p) * f + (p - 1) * i + m * (i + w)});
    expect_idle("zb-h1", c, 1, span - c.work());
  }
}

TEST(ClosedForms, ZeroBubbleWithTwiceTheWarmup) {
  Cases cases(4);
  for (int trial = 0; trial < kTrials; ++trial) {
    const Case c = cases.next(2, -1);
    const auto [f, i, w] = c.costs;
    expect_idle("zb-h2", c, 1, (c.p - 1) * std::max({f, i - f, f + i - 2 * w}));
  }
}

TEST(ClosedForms, VsOfEqualCosts) {
  Cases cases(5);
  for (int trial = 0; trial < kTrials; ++trial) {
    Case c = cases.next(1, 0);
    const double f = c.costs.i = c.costs.w = c.costs.f;
    const int p = c.p;
    if (c.m >= 2 * p - 1) expect_idle("zbv", c, 2, (p - 1) * f / 2);
    expect_idle("v-half", c, 2, p == 1 ? 0 : std::max(3 * p - 4, 3) * f / 2);
    const double late = p >= 6 && p % 3 == 0 ? 1.5 : 2.5;
    expect_idle("v-min", c, 2, p == 1 ? 0 : (2 * p - late) * f);
  }
}

TEST(ClosedForms, DualPipeOnAV) {
  Cases cases(6);
  for (int trial = 0; trial < kTrials; ++trial) {
    Case c = cases.next(2, 0);
    c.costs.w = std::min(c.costs.w, c.costs.i);
    c.costs.f = std::max(c.costs.f, c.costs.i);
    const double f = c.costs.f / 2, i = c.costs.i / 2, w = c.costs.w / 2;  // of one chunk
    expect_idle("dualpipev", c, 2, (c.p - 1) * (2 * f + i - w));
    c.costs.f = c.costs.i;
    const double overlapped = i + (i + w);
    expect_idle("dualpipev", c, 2, (c.p - 1) * (overlapped + (i + w) - 3 * w));
  }
}

TEST(ClosedForms, PeakActivations) {
  Cases cases(7);
  for (int trial = 0; trial < kTrials; ++trial) {
    const Case c = cases.next(0, 1);
    const int p = c.p, v = c.v, m = c.m;
    const auto peaks = [&](const std::string& name, int chunks) {
      return simulate_named(name, c.shape(chunks), c.costs).peak_activations;
    };
    const int rounds = std::max(1, m / p), round = (m + rounds - 1) / rounds;
    EXPECT_THAT(peaks("gpipe", 1), Each(m));
    EXPECT_THAT(peaks("looped-bfs", v), Each(testing::DoubleEq(m)));
    const auto interleaved = peaks("interleaved-1f1b", v), in_turn = peaks("1f1b", 1);
    for (int r = 0; r < p; ++r) {
      const int chunks = (v - 1) * round + (v == 1 ? 1 : 2) * (p - 1 - r) + 1;
      EXPECT_DOUBLE_EQ(interleaved[static_cast<std::size_t>(r)],
                       std::min<double>(m, static_cast<double>(chunks) / v));
      EXPECT_EQ(in_turn[static_cast<std::size_t>(r)], std::min(m, p - r));
    }
    EXPECT_THAT(peaks("zb-h1", 1), Each(std::min(m, p)));
    EXPECT_THAT(peaks("zb-h2", 1), Each(std::min(m, 2 * p - 1)));
    EXPECT_THAT(
        peaks("interleaved-zb", v),
        Each(testing::DoubleEq(std::min<double>(m, static_cast<double>((v - 1) * round + p) / v))));
    EXPECT_EQ(std::ranges::max(peaks("zbv", 2)), std::min(m, p));
    if (m >= 2 * p - 1) {
      EXPECT_THAT(peaks("zbv", 2), Each(p));
    }
    if (m >= 2 * p) {
      EXPECT_THAT(peaks("dualpipev", 2), Each(p + 0.5));
    }
    const auto most = [&](const std::string& name) { return std::ranges::max(peaks(name, 2)); };
    EXPECT_EQ(most("v-half"), std::min(m, (p + 2) / 2));
    EXPECT_EQ(most("v-min"), std::min(m, (p + 4) / 3));
  }
}

TEST(ClosedForms, FourRanksAtUnitCosts) {
  struct Row {
    std::string name;
    int chunks;
    double span_of_8, span_of_16;
    std::vector<double> peaks_of_8;
  };
  const std::vector<Row> table{{"gpipe", 1, 33, 57, {8, 8, 8, 8}},
                               {"1f1b", 1, 33, 57, {4, 3, 2, 1}},
                               {"interleaved-1f1b", 2, 28.5, 52.5, {5.5, 4.5, 3.5, 2.5}},
                               {"looped-bfs", 2, 28.5, 52.5, {8, 8, 8, 8}},
                               {"zb-h1", 1, 27, 51, {4, 4, 4, 4}},
                               {"zb-h2", 1, 27, 51, {7, 7, 7, 7}},
                               {"interleaved-zb", 2, 25.5, 49.5, {4, 4, 4, 4}},
                               {"zbv", 2, 25.5, 49.5, {4, 4, 4, 4}},
                               {"dualpipev", 2, 27, 51, {4.5, 4.5, 4.5, 4.5}}};
  for (const Row& row : table) {
    ScheduleShape shape{.ranks = 4, .chunks = row.chunks, .microbatches = 8};
    const Simulation eight = simulate_named(row.name, shape, {});
    shape.microbatches = 16;
    EXPECT_EQ(eight.makespan, row.span_of_8) << row.name;
    EXPECT_EQ(eight.peak_activations, row.peaks_of_8) << row.name;
    EXPECT_EQ(simulate_named(row.name, shape, {}).makespan, row.span_of_16) << row.name;
  }
}

}  // namespace
}  // namespace spillway::pipeline
