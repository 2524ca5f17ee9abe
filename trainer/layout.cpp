#include "trainer/layout.hpp"

#include "data/tokens/byte_tokenizer.hpp"
#include "parallel/pipeline/lower.hpp"
#include "parallel/pipeline/schedules/registry.hpp"
#include "trainer/model/partition.hpp"

namespace spillway::trainer {

std::vector<int> Layout::stages_of(int rank) const {
  std::vector<int> stages;
  for (std::size_t stage = 0; stage < rank_of_stage.size(); ++stage) {
    if (rank_of_stage[stage] == rank) stages.push_back(static_cast<int>(stage));
  }
  return stages;
}

Layout make_layout(const config::Config& config) {
  const config::ParallelConfig& parallel = config.parallel;
  const pipeline::ScheduleShape shape{
      .ranks = static_cast<int>(parallel.stages),
      .chunks = pipeline::chunks_of(parallel.schedule, static_cast<int>(parallel.chunks)),
      .microbatches = static_cast<int>(parallel.microbatches)};
  return make_layout(config, pipeline::make_schedule(parallel.schedule, shape));
}

Layout make_layout(const config::Config& config, pipeline::Schedule compute) {
  Layout layout;
  layout.model = resolve(config.model, data::kVocabulary);
  layout.slices =
      partition(layout.model, pipeline::count_stages(compute), config.parallel.layers_per_stage);
  layout.compute = std::move(compute);
  layout.lowered = pipeline::lower(layout.compute);
  layout.rank_of_stage = pipeline::rank_of_stage(layout.compute);
  return layout;
}

}  // namespace spillway::trainer
