#pragma once

#include <vector>

#include "compression/bucket.hpp"
#include "configs/schema.hpp"

namespace spillway::compression {

/// Throws Error(input), one line, when a method cannot do what it is asked with these parameters:
/// an approximation rank larger than any matrix, adaptive ranks without a warm start.
void check_methods(const config::CompressionConfig& config,
                   const std::vector<ParameterShape>& parameters);

}  // namespace spillway::compression
