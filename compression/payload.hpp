#pragma once

#include <cstdint>
#include <vector>

#include "compression/bucket.hpp"
#include "configs/schema.hpp"

namespace spillway::compression {

/// Bytes that one replica gives to its communicator in one exchange of these parameters, once
/// compression has started: what the counters at the call site show for the same method.
std::int64_t payload_bytes(const config::CompressionConfig& config,
                           const std::vector<ParameterShape>& parameters);

}  // namespace spillway::compression
