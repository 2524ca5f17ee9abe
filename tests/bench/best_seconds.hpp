#pragma once

#include <algorithm>

#include "tests/bench/thread_seconds.hpp"

namespace spillway::bench {

/// The best of 9 runs after one of warm-up.
template <typename Call>
double best_seconds(const Call& call) {
  double best = 1e9;
  for (int run = 0; run < 10; ++run) {
    const double start = thread_seconds();
    call();
    if (run > 0) best = std::min(best, thread_seconds() - start);
  }
  return best;
}

}  // namespace spillway::bench
