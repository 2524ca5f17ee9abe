#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "compression/bucket.hpp"
#include "compression/gradient_exchange.hpp"
#include "configs/schema.hpp"
#include "parallel/comm/communicator.hpp"

namespace spillway::compression {

/// The exchange named by config.method: none (float32 all-reduce) | bf16 | powersgd. Throws
/// Error(input) for another name. `replicas`: this stage on all replicas, the exchange's own while
/// it lives. `parameters`: of the whole model in registration order, so that results do not depend
/// on how stages and buckets divide it. `seed`: run.seed.
std::unique_ptr<GradientExchange> make_gradient_exchange(
    const config::CompressionConfig& config, comm::Communicator& replicas,
    const std::vector<ParameterShape>& parameters, std::uint64_t seed);

}  // namespace spillway::compression
