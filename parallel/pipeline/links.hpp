#pragma once

#include <c10/core/Device.h>

#include <cstdint>

#include "parallel/process_grid.hpp"

namespace spillway::pipeline {

/// What a message between neighbouring ranks of a pipeline costs: mean over its edges.
struct Link {
  double hop_seconds = 0;       ///< of a message of one byte
  double transfer_seconds = 0;  ///< more for one of the size of the edge
};

/// Measures the edges one after the other, by messages there and back that each end answers after a
/// rest, as between two actions of a pipeline: the waiting rank has gone to sleep by then, and
/// waking it belongs to the hop. Median of 9 rounds. Collective over the pipelines of the grid,
/// whose tensors live on `device`; about 0.1 s an edge. Zero where there is one stage.
Link measure_link(const parallel::ProcessGrid& grid, std::int64_t edge_bytes, at::Device device);

}  // namespace spillway::pipeline
