// Seconds to lower, validate and simulate a large 1F1B, and to draw what `spillway plan` draws of
// it. Usage: simulate_bench [RANKS [MICROBATCHES]]     default 64 512; best of 5 runs after one of
// warm-up
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "parallel/pipeline/simulate.hpp"
#include "parallel/pipeline/validate.hpp"

namespace {

using namespace spillway::pipeline;

/// The least seconds of 5 calls after one that does not count.
template <typename Call>
double best_seconds(const Call& call) {
  double best = 1e9;
  for (int run = 0; run < 6; ++run) {
    const auto start = std::chrono::steady_clock::now();
    call();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (run > 0) best = std::min(best, seconds.count());
  }
  return best;
}

}  // namespace

int main(int count, char** words) {
  const int ranks = count > 1 ? std::atoi(words[1]) : 64;
  const int microbatches = count > 2 ? std::atoi(words[2]) : 512;
  const Schedule compute = one_f_one_b(ranks, microbatches);
  const Schedule lowered = lower(compute);
  Costs costs = uniform_costs(ranks, 1, 1, 1);
  costs.hop_seconds = 0.25;
  std::size_t actions = 0;
  for (const auto& rank : lowered.ranks) actions += rank.size();
  const Simulation simulation = simulate(lowered, costs);
  if (!(simulation.makespan > (microbatches + ranks - 1) * 3)) return 1;
  const double lowering = best_seconds([&] { lower(compute); });
  const double simulating = best_seconds([&] { simulate(lowered, costs); });
  const double validating =
      best_seconds([&] { validate(compute, {.ranks = ranks, .microbatches = microbatches}); });
  std::printf(
      "{\"bench\": \"simulate\", \"ranks\": %d, \"microbatches\": %d, \"actions\": %zu, "
      "\"lower_s\": %.4f, \"simulate_s\": %.4f, \"validate_s\": %.4f, \"runs\": 5}\n",
      ranks, microbatches, actions, lowering, simulating, validating);
}
