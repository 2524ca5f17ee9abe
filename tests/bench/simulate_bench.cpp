// Seconds that `spillway plan` spends on a large 1F1B: to lower, validate and simulate it, to count
// its memory, and to write it as trace and SVG. One JSON line; the best of 5 runs after one of
// warm-up. Usage: simulate_bench [RANKS [MICROBATCHES]], default 64 512
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "parallel/pipeline/chrome_trace.hpp"
#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/schedules/one_f_one_b.hpp"
#include "parallel/pipeline/timeline_svg.hpp"
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
  const ScheduleShape shape{.ranks = count > 1 ? std::atoi(words[1]) : 64,
                            .microbatches = count > 2 ? std::atoi(words[2]) : 512};
  const Schedule compute = one_f_one_b(shape.ranks, shape.microbatches);
  const Workload workload{
      .costs = uniform_costs(shape.ranks, 1, 1, 1),
      .memory = std::vector<StageMemory>(static_cast<std::size_t>(shape.ranks), {2, 1}),
      .edge_bytes = 0.5};
  const Prediction prediction = predict("1f1b", shape, compute, workload);
  if (prediction.makespan() != (shape.microbatches + shape.ranks - 1) * 3) return 1;
  std::size_t actions = 0;
  for (const auto& rank : prediction.lowered.ranks) actions += rank.size();

  const double lowering = best_seconds([&] { lower(compute); });
  const double validating = best_seconds([&] { validate(compute, shape); });
  const double simulating = best_seconds([&] { simulate(prediction.lowered, workload.costs); });
  const double counting =
      best_seconds([&] { memory_over_time(prediction.simulation, workload.memory, 0.5); });
  const double tracing = best_seconds([&] { chrome_trace(prediction); });
  const double drawing = best_seconds([&] { timeline_svg(prediction, "units"); });
  std::printf(
      "{\"bench\": \"simulate\", \"ranks\": %d, \"microbatches\": %d, \"actions\": %zu, "
      "\"lower_s\": %.4f, \"validate_s\": %.4f, \"simulate_s\": %.4f, \"memory_s\": %.4f, "
      "\"trace_s\": %.4f, \"svg_s\": %.4f}\n",
      shape.ranks, shape.microbatches, actions, lowering, validating, simulating, counting, tracing,
      drawing);
}
