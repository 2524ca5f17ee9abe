#pragma once

#include <cstdint>

#include "configs/schema.hpp"

namespace spillway::compression {

/// What a step of PowerSGD does.
struct PowerIterations {
  std::int64_t count = 1;
  bool refreshing = false;  ///< starts from a new random factor, with one iteration more
};

/// `steps` since start_step.
inline PowerIterations power_iterations(const config::CompressionMethod& method,
                                        std::int64_t steps) {
  const bool refreshing =
      method.refresh_every > 0 && steps > 0 && steps % method.refresh_every == 0;
  return {method.power_iterations + (refreshing ? 1 : 0), refreshing};
}

}  // namespace spillway::compression
