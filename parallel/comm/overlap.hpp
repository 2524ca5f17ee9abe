#pragma once

#include "parallel/comm/benchmark.hpp"

namespace spillway::comm {

/// How much of an all-reduce hides behind computation. Medians over the iterations of the slowest
/// rank, in seconds.
struct Overlap {
  double communication = 0;  ///< the all-reduce alone
  double computation =
      0;  ///< about as long as the all-reduce: matrix products on the thread that issues it
  double both = 0;  ///< the all-reduce issued, the same products, then wait

  /// 1: the shorter of the two costs nothing; 0: as if one after the other; below: they disturb
  /// each other.
  double hidden() const;
};

/// Times an all-reduce of `what.bytes` alone, products alone, and both together, in turn.
/// Collective.
Overlap measure_overlap(Communicator& world, const BenchmarkCase& what,
                        const BenchmarkOptions& options);

}  // namespace spillway::comm
