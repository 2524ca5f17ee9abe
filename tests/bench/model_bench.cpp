// Training step of one stage that holds the whole model: forward, backward, AdamW, by precision
// mode. usage: model_bench [FAMILY [LAYERS HIDDEN HEADS SEQUENCE MICROBATCH_SIZE]]; prints one JSON
// line of medians over 7 interleaved rounds after one of warm-up. One thread, thread CPU time
// (other processes do not count).
#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "tests/bench/thread_seconds.hpp"
#include "trainer/model/model_stage.hpp"
#include "trainer/optimizer/adamw.hpp"
#include "trainer/optimizer/gradient_norm.hpp"

namespace {

using namespace spillway;
using namespace spillway::trainer;

constexpr int kRounds = 7;

template <class Body>
double seconds_of(Body&& body) {
  const double start = spillway::bench::thread_seconds();
  body();
  return spillway::bench::thread_seconds() - start;
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

struct Candidate {
  std::string name;
  std::unique_ptr<ModelStage> stage;
  std::unique_ptr<AdamW> optimizer;
  std::vector<double> forward, backward, update;

  void step(const at::Tensor& tokens, const at::Tensor& targets) {
    stage->begin_step(1.0 / static_cast<double>(targets.numel()), 1);
    stage->set_microbatch(0, tokens, targets);
    forward.push_back(seconds_of([&] { stage->forward(0, {}); }));
    backward.push_back(seconds_of([&] { stage->backward(0, {}); }));
    update.push_back(seconds_of([&] {
      ParameterStore& store = stage->parameters();
      store.at(kTokenEmbedding).gradient.add_(store.tied_head().gradient);
      const double norm = global_norm(squared_norms(stage->parameters()));
      optimizer->step(1e-4, clip_coefficient(norm, 1.0));
    }));
  }
  double tokens_per_second(std::int64_t tokens) const {
    return static_cast<double>(tokens) / (median(forward) + median(backward) + median(update));
  }
};

}  // namespace

int main(int argc, char** argv) {
  at::set_num_threads(1);
  const auto word = [&](int i, std::int64_t otherwise) {
    return argc > i ? std::strtoll(argv[i], nullptr, 10) : otherwise;
  };
  config::ModelConfig model{.family = argc > 1 ? argv[1] : "gpt2"};
  model.layers = word(2, 6);
  model.hidden = word(3, 384);
  model.heads = word(4, 6);
  model.sequence_length = word(5, 256);
  model = resolve(model, 264);
  const std::int64_t size = word(6, 4);
  const at::Tensor tokens = at::randint(264, {size, model.sequence_length}, at::kLong);
  const at::Tensor targets = at::randint(264, {size, model.sequence_length}, at::kLong);

  std::vector<Candidate> candidates;
  for (const char* mode : {"fp32", "bf16-amp", "bf16-qat"}) {
    Candidate candidate{.name = mode,
                        .stage = nullptr,
                        .optimizer = nullptr,
                        .forward = {},
                        .backward = {},
                        .update = {}};
    candidate.stage = std::make_unique<ModelStage>(StageOptions{.model = model,
                                                                .slice = whole_model(model),
                                                                .precision = precision_mode(mode),
                                                                .microbatch_size = size});
    initialize(candidate.stage->parameters(), model, 1);
    candidate.optimizer =
        std::make_unique<AdamW>(config::OptimizerConfig{}, candidate.stage->parameters());
    candidate.step(tokens, targets);
    candidate.forward.clear(), candidate.backward.clear(), candidate.update.clear();
    candidates.push_back(std::move(candidate));
  }
  for (int round = 0; round < kRounds; ++round) {
    for (Candidate& candidate : candidates) candidate.step(tokens, targets);
  }
  const double flops = model_cost(model).training_flops_per_token();
  nlohmann::json line{{"family", model.family}, {"parameters", model_cost(model).parameters}};
  for (const Candidate& candidate : candidates) {
    const double rate = candidate.tokens_per_second(tokens.numel());
    line[candidate.name] = {{"tokens_per_second", rate},
                            {"gflops", 1e-9 * flops * rate},
                            {"forward_ms", 1e3 * median(candidate.forward)},
                            {"backward_ms", 1e3 * median(candidate.backward)},
                            {"update_ms", 1e3 * median(candidate.update)}};
  }
  std::cout << line.dump() << "\n";
  return 0;
}
