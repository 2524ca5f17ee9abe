#include "trainer/layout.hpp"

#include <sstream>

#include "configs/error.hpp"
#include "data/tokens/byte_tokenizer.hpp"
#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/recompute.hpp"
#include "parallel/pipeline/schedules/registry.hpp"
#include "trainer/find_schedule.hpp"
#include "trainer/model/partition.hpp"
#include "trainer/model/recompute.hpp"

namespace spillway::trainer {

std::vector<int> Layout::stages_of(int rank) const {
  std::vector<int> stages;
  for (std::size_t stage = 0; stage < rank_of_stage.size(); ++stage) {
    if (rank_of_stage[stage] == rank) stages.push_back(static_cast<int>(stage));
  }
  return stages;
}

namespace {

void check_memory(const Layout& layout, double cap) {
  const double share =
      static_cast<double>(layout.compute.ranks.size()) / static_cast<double>(layout.slices.size());
  for (std::size_t rank = 0; rank < layout.compute.ranks.size(); ++rank) {
    const double held = share * pipeline::most_activations(layout.compute.ranks[rank]);
    if (held <= cap + 1e-9) continue;
    std::ostringstream text;
    text << "parallel.memory_cap = " << cap << ", but rank " << rank
         << " of the pipeline would hold " << held
         << " activations; valid: a schedule that holds fewer (auto), or a larger cap";
    fail_input(text.str());
  }
}

}  // namespace

pipeline::Schedule named_schedule(const config::ParallelConfig& parallel) {
  return pipeline::make_schedule(parallel.schedule,
                                 {.ranks = static_cast<int>(parallel.stages),
                                  .chunks = static_cast<int>(parallel.chunks),
                                  .microbatches = static_cast<int>(parallel.microbatches)});
}

pipeline::Schedule recomputed(const config::ParallelConfig& parallel, pipeline::Schedule compute) {
  if (recompute_mode(parallel.recompute) == Recompute::none) return compute;
  return pipeline::with_recompute(compute);
}

Layout make_layout(const config::Config& config) {
  const double cap = memory_cap(config.parallel);
  const bool search = config.parallel.schedule == "auto";
  Layout layout =
      make_layout(config, search ? find_schedule({.config = config, .memory_cap = cap}).compute
                                 : named_schedule(config.parallel));
  check_memory(layout, cap);
  return layout;
}

Layout make_layout(const config::Config& config, pipeline::Schedule compute) {
  Layout layout;
  layout.model = resolve(config.model, data::kVocabulary);
  layout.slices =
      partition(layout.model, pipeline::count_stages(compute), config.parallel.layers_per_stage);
  layout.compute = recomputed(config.parallel, std::move(compute));
  layout.lowered = pipeline::lower(layout.compute);
  layout.rank_of_stage = pipeline::rank_of_stage(layout.compute);
  return layout;
}

}  // namespace spillway::trainer
