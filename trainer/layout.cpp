#include "trainer/layout.hpp"

#include "configs/error.hpp"
#include "data/tokens/byte_tokenizer.hpp"
#include "parallel/pipeline/number_text.hpp"
#include "trainer/model/partition.hpp"

namespace spillway::trainer {
namespace {

using pipeline::number_text;

void check_cap(const pipeline::Prediction& prediction, double cap) {
  if (fits(prediction, cap)) return;
  for (std::size_t rank = 0; rank < prediction.held_activations.size(); ++rank) {
    const double held = prediction.held_activations[rank];
    if (held <= cap + pipeline::kCapSlack) continue;
    fail_input("parallel.memory_cap = " + number_text(cap) + ", but rank " + std::to_string(rank) +
               " of the pipeline would hold " + number_text(held) +
               " activations; valid: a schedule that holds fewer (auto), more recomputation "
               "(parallel.recompute = auto), or a larger cap");
  }
}

}  // namespace

std::vector<int> Layout::stages_of(int rank) const {
  std::vector<int> stages;
  for (std::size_t stage = 0; stage < rank_of_stage.size(); ++stage) {
    if (rank_of_stage[stage] == rank) stages.push_back(static_cast<int>(stage));
  }
  return stages;
}

Layout make_layout(const config::Config& config, const ChosenPlan& plan) {
  Layout layout;
  layout.model = resolve(config.model, data::kVocabulary);
  layout.compute = plan.prediction.compute;
  layout.lowered = plan.prediction.lowered;
  layout.rank_of_stage = pipeline::rank_of_stage(layout.compute);
  layout.slices =
      partition(layout.model, std::ssize(layout.rank_of_stage), config.parallel.layers_per_stage);
  layout.recompute = plan.recompute;
  return layout;
}

ChosenPlan plan_to_run(const config::Config& config, const std::optional<Calibration>& measured) {
  const double cap = memory_cap(config.parallel);
  ChosenPlan plan = choose_plan({.config = config, .measured = measured, .memory_cap = cap});
  check_cap(plan.prediction, cap);
  return plan;
}

Layout make_layout(const config::Config& config) {
  return make_layout(config, plan_to_run(config));
}

}  // namespace spillway::trainer
