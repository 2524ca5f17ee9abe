#pragma once

#include <vector>

#include "configs/schema.hpp"
#include "parallel/pipeline/schedule.hpp"
#include "trainer/model/parameters.hpp"

namespace spillway::trainer {

/// How a model is spread over the ranks of one pipeline: which layers are a stage, which rank has
/// it, who does what when.
struct Layout {
  config::ModelConfig model;   ///< resolved
  std::vector<Slice> slices;   ///< by stage
  pipeline::Schedule compute;  ///< as its author wrote it
  pipeline::Schedule lowered;  ///< with communication
  std::vector<int> rank_of_stage;

  /// Stages of a pipeline rank, ascending.
  std::vector<int> stages_of(int rank) const;
};

/// The layout of a compute schedule that is valid for the configuration; parallel.schedule and
/// parallel.chunks do not count.
Layout make_layout(const config::Config& config, pipeline::Schedule compute);

/// The compute schedule that parallel.schedule names ("auto" excepted). Throws Error(input) for an
/// unknown schedule, or one that is not valid.
pipeline::Schedule named_schedule(const config::ParallelConfig& parallel);

/// `compute` with an R before each backward where parallel.recompute asks for it.
pipeline::Schedule recomputed(const config::ParallelConfig& parallel, pipeline::Schedule compute);

/// The layout of parallel.schedule; "auto" is what find_schedule() finds for costs that follow the
/// FLOPs, the same on every rank. Throws Error(input) for an unknown schedule, a schedule that is
/// not valid, does not fit the stages of the configuration, or holds more than
/// parallel.memory_cap.
Layout make_layout(const config::Config& config);

}  // namespace spillway::trainer
