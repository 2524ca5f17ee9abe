// Writes a run folder as a trainer would: 200 steps, killed at 130, resumed after 100, one step
// skipped, a checkpoint that failed.
#include <cmath>
#include <fstream>
#include <iostream>
#include <random>

#include "parallel/comm/thread_communicator.hpp"
#include "trainer/observe/recorder.hpp"
#include "trainer/observe/run_facts.hpp"

namespace spillway::trainer {
namespace {

constexpr std::int64_t kSteps = 200;
constexpr double kTokens = 4 * 16 * 256;

using Draw = std::mt19937_64;

double noise(Draw& draw) { return std::normal_distribution<double>()(draw); }

StepMetrics step_metrics(std::int64_t step, double speed, Draw& draw) {
  const auto s = static_cast<double>(step);
  const double compute = 0.180 / speed * (1 + 0.03 * noise(draw)), data = 0.002;
  const double bubble = 0.3 * compute, exchange = step < 10 ? 0.09 : 0.03 / speed;
  const double optimizer = 0.012, seconds = compute + data + bubble + exchange + optimizer + 0.004;
  StepMetrics metrics(step);
  metrics.set(metric::kLoss, step == 60 ? NAN : 2.1 + 3.4 * std::exp(-s / 40) + 0.02 * noise(draw));
  metrics.set(metric::kGradNorm, 0.8 + 2 * std::exp(-s / 15));
  metrics.set(metric::kLearningRate, 1e-3 * std::min(1.0, s / 20));
  metrics.set(metric::kTokensSeen, s * kTokens);
  metrics.set(metric::kTokensPerSecond, kTokens / seconds);
  metrics.set(metric::kTokensPerRankSecond, kTokens / seconds / 4);
  metrics.set(metric::kMfu, 31 * speed * compute / seconds);
  metrics.set(metric::kStepSeconds, seconds);
  metrics.set(metric::kDataSeconds, data);
  metrics.set(metric::kComputeSeconds, compute);
  metrics.set(metric::kBubbleSeconds, bubble);
  metrics.set(metric::kExchangeSeconds, exchange);
  metrics.set(metric::kOptimizerSeconds, optimizer);
  metrics.set(metric::kCheckpointSeconds, step % 50 == 0 ? 0.08 : 0);
  metrics.set(metric::kBubble, 100 * bubble / (compute + bubble));
  metrics.set(metric::kPredictedBubble, 27.3);
  metrics.set(metric::kCompressionRatio, step < 10 ? 1 : 14.5 * speed);
  metrics.set(metric::kCompressionError, step < 10 ? 0 : 0.4 + 0.1 * std::exp(-s / 30));
  metrics.set(metric::kSkipped, step == 60 ? 1 : 0);
  metrics.set("data/mix/text", 0.45);
  metrics.set("data/mix/dialogue", 0.25);
  metrics.set("data/mix/long_context", 0.1);
  metrics.set("data/mix/special_characters", 0.12);
  metrics.set("data/mix/contradiction", 0.08);
  return metrics;
}

/// 1F1B of 4 stages and 4 micro-batches, backward twice as long as forward.
std::vector<Span> pipeline(Track track, Draw& draw) {
  std::vector<Span> spans;
  const double jitter = track == Track::measured ? 0.08 : 0;
  double end[4][2][4] = {};  // when [stage][forward | backward][micro-batch] was done
  const auto run = [&](int stage, int kind, int m, double& clock) {
    const double ready = kind == 0 ? (stage > 0 ? end[stage - 1][0][m] : 0)
                                   : (stage < 3 ? end[stage + 1][1][m] : end[stage][0][m]);
    const double start = std::max(clock, ready) + jitter * 0.001;
    clock = start + 0.010 * (kind + 1) * (1 + jitter * noise(draw));
    end[stage][kind][m] = clock;
    spans.push_back({.rank = stage,
                     .name = std::to_string(stage) + (kind == 0 ? "F" : "B") + std::to_string(m),
                     .start_s = start,
                     .end_s = clock,
                     .kind = kind == 0 ? "forward" : "backward",
                     .track = track});
  };
  std::vector<double> clock(4), next(8);
  for (int turn = 0; turn < 64;
       ++turn) {  // each stage in 1F1B order, as far as its inputs are there
    for (int stage = 0; stage < 4; ++stage) {
      const auto f = static_cast<int>(next[static_cast<std::size_t>(stage)]);
      const auto b = static_cast<int>(next[static_cast<std::size_t>(stage) + 4]);
      const bool forward = f < 4 && f - b < 4 - stage;
      if (b == 4 || (!forward && f == b)) continue;
      const int m = forward ? f : b;
      const bool ready =
          forward ? stage == 0 || end[stage - 1][0][m] > 0 : stage == 3 || end[stage + 1][1][m] > 0;
      if (!ready) continue;
      run(stage, forward ? 0 : 1, m, clock[static_cast<std::size_t>(stage)]);
      next[static_cast<std::size_t>(stage) + (forward ? 0 : 4)] += 1;
    }
  }
  for (int stage = 0; stage < 4; ++stage) {
    const double start = clock[static_cast<std::size_t>(stage)];
    spans.push_back({.rank = stage,
                     .name = "optimizer",
                     .start_s = start,
                     .end_s = start + 0.006,
                     .kind = "optimizer",
                     .track = track});
  }
  return spans;
}

void attempt(const std::filesystem::path& run, comm::Communicator& world, std::int64_t first,
             std::int64_t last, Draw& draw, double speed) {
  record_start(
      run, world,
      {.command_line = {"spillway", "train", "configs/demo.toml", "--run.dir=" + run.string()},
       .config_toml = "[run]\nsteps = 200\n",
       .first_step = first,
       .more = {{"stages", 4}, {"replicas", 1}, {"device", "cpu"}}});
  std::ostringstream quiet;
  Recorder recorder({.run_dir = run, .first_step = first, .total_steps = kSteps}, quiet);
  recorder.event({.name = first == 0 ? "start" : "resume",
                  .step = first,
                  .message = first == 0 ? "started" : "resumed after step 100"});
  for (std::int64_t step = first + 1; step <= last; ++step) {
    recorder.step(step_metrics(step, speed, draw));
    if (step == 60) {
      recorder.event({.name = "step_skipped",
                      .step = step,
                      .message = "step 60 skipped: loss of rank 3 is not finite",
                      .level = Level::warning});
    }
    if (step % 25 == 0) {
      const double loss = 2.15 + 3.4 * std::exp(-static_cast<double>(step) / 40);
      recorder.event({.name = "evaluation",
                      .step = step,
                      .message = "validation loss " + std::to_string(loss),
                      .fields = {{metric::kValidationLoss, loss}}});
    }
    if (step % 50 == 0) {
      const bool fails = step == 150;
      recorder.event({.name = fails ? "checkpoint_failed" : "checkpoint_saved",
                      .step = step,
                      .message = fails ? "checkpoint of step 150: rank 2: No space left on device"
                                       : "checkpoints/step-" + std::to_string(step),
                      .level = fails ? Level::warning : Level::info});
    }
  }
  if (last < kSteps) return;
  std::vector<Span> spans = pipeline(Track::predicted, draw);
  const std::vector<Span> measured = pipeline(Track::measured, draw);
  spans.insert(spans.end(), measured.begin(), measured.end());
  recorder.trace(last, spans);
  recorder.event({.name = "finish", .step = last, .message = "all steps done"});
}

}  // namespace
}  // namespace spillway::trainer

int main(int argc, char** argv) {
  using namespace spillway::trainer;
  if (argc < 2) {
    std::cerr << "usage: make_run FOLDER [SPEED]\n";
    return 2;
  }
  const double speed = argc > 2 ? std::atof(argv[2]) : 1;
  const auto group = spillway::comm::make_thread_group(1);
  Draw draw(7);
  attempt(argv[1], *group[0], 0, 130, draw, speed);
  attempt(argv[1], *group[0], 100, kSteps, draw, speed);
  std::ofstream(std::filesystem::path(argv[1]) / "config.resolved.toml") << "[run]\nsteps = 200\n";
  return 0;
}
