#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "compression/low_rank/low_rank_shape.hpp"

namespace spillway::compression {

/// Seed number `index` (0, 1, ...) of a run: the numbers that
/// numpy.random.RandomState(seed).randint(10**9) yields one after the other. numpy takes 32 bits of
/// a seed, so does this.
std::uint64_t factor_seed(std::uint64_t seed, std::int64_t index);

/// Standard normal factors q_RN (float32, CPU), one for each shape, in the order given: bit for bit
/// what PyTorch's powerSGD_hook draws (before it orthogonalizes) after
/// torch.manual_seed(drawn_from) when all shapes are in one bucket. The hook walks through groups
/// of equal rows and columns, in the order in which a group first occurs, and so does this. With
/// the shapes of the whole model the factor of a parameter does not depend on buckets, pipeline
/// stages or replicas.
std::vector<at::Tensor> draw_factors(const std::vector<LowRankShape>& shapes,
                                     std::uint64_t drawn_from);

}  // namespace spillway::compression
