#pragma once

#include <cstdint>
#include <vector>

#include "configs/schema.hpp"
#include "trainer/model/parameters.hpp"

namespace spillway::trainer {

/// Cuts the model into `slices` = parallel.stages x parallel.chunks contiguous parts, first to
/// last; every layer is in exactly one, and every part has at least one. The first part has the
/// embedding, the last one the head.
///
/// `layers_per_slice` gives the layers of each part by hand (parallel.layers_per_stage). If it is
/// empty, the most FLOPs of any part are as few as can be, embedding and head included; among parts
/// equal in FLOPs the one with fewer parameters gets the layer, among equals the later one: earlier
/// stages hold more micro-batches in flight. Takes a resolved
/// configuration. Throws Error(input) if the numbers do not fit the layers.
std::vector<Slice> partition(const config::ModelConfig& model, std::int64_t slices,
                             const std::vector<std::int64_t>& layers_per_slice = {});

}  // namespace spillway::trainer
