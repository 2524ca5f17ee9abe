#include "parallel/pipeline/chrome_trace.hpp"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "parallel/pipeline/schedules/one_f_one_b.hpp"

namespace spillway::pipeline {
namespace {

constexpr int kRanks = 3, kMicrobatches = 5;

Prediction prediction(double hop) {
  Workload workload{.costs = uniform_costs(kRanks, 1, 1, 1),
                    .memory = std::vector<StageMemory>(kRanks, {.activation_bytes = 1}),
                    .edge_bytes = 1};
  workload.costs.hop_seconds = hop;
  return predict("1f1b", {.ranks = kRanks, .microbatches = kMicrobatches},
                 one_f_one_b(kRanks, kMicrobatches), workload);
}

std::vector<nlohmann::json> events(const Prediction& of, const std::string& phase) {
  std::vector<nlohmann::json> found;
  const nlohmann::json trace = nlohmann::json::parse(chrome_trace(of));
  for (const auto& event : trace.at("traceEvents")) {
    if (event.at("ph") == phase) found.push_back(event);
  }
  return found;
}

TEST(ChromeTrace, EveryComputeAndEveryTransferIsASpan) {
  std::map<std::string, nlohmann::json> compute;
  int transfers = 0;
  for (const auto& span : events(prediction(0.25), "X")) {
    if (span.at("pid") == 0) compute[span.at("name")] = span;
    if (span.at("pid") == 1) ++transfers;
  }
  EXPECT_EQ(compute.size(), 2U * kRanks * kMicrobatches);
  EXPECT_EQ(transfers, 2 * (kRanks - 1) * kMicrobatches);
  const nlohmann::json second = compute.at("1F0");  // after 0F0 and a hop, in microseconds
  EXPECT_EQ(second.at("tid"), 1);
  EXPECT_EQ(second.at("ts"), 1250);
  EXPECT_EQ(second.at("dur"), 1000);
  EXPECT_EQ(compute.at("2B0").at("dur"), 2000);
}

TEST(ChromeTrace, SpansOfAThreadNeverOverlap) {
  // Hops longer than the compute: several transfers of a route are on their way at a time.
  std::map<std::pair<int, int>, double> busy_until;
  std::map<std::pair<int, int>, int> spans;
  for (const auto& span : events(prediction(2.5), "X")) {
    const std::pair<int, int> thread{span.at("pid"), span.at("tid")};
    EXPECT_GE(span.at("ts").get<double>(), busy_until[thread]) << span;
    busy_until[thread] = span.at("ts").get<double>() + span.at("dur").get<double>();
    ++spans[thread];
  }
  EXPECT_GT(spans.size(), kRanks + 4U);
}

TEST(ChromeTrace, ThreadsAreNamedAndMemoryIsCounted) {
  std::map<std::pair<int, int>, std::string> names;
  for (const auto& event : events(prediction(0), "M")) {
    if (event.at("name") == "thread_name") {
      names[{event.at("pid"), event.at("tid")}] = event.at("args").at("name");
    }
  }
  EXPECT_EQ((names[{0, 2}]), "rank 2");
  EXPECT_EQ((names[{1, 0}]), "rank 0 -> rank 1");
  double most = 0;
  for (const auto& event : events(prediction(0), "C")) {
    if (event.at("tid") == 0)
      most = std::max(most, event.at("args").at("activations").get<double>());
  }
  EXPECT_EQ(most, kRanks);
}

}  // namespace
}  // namespace spillway::pipeline
