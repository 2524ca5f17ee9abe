#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "parallel/comm/communicator.hpp"

namespace spillway::comm {

class RawMpi;

/// What is measured; send_recv is a message to the neighbour and one back (ranks 0 and 1, 2 and 3,
/// ...).
enum class Measured : std::uint8_t {
  all_reduce,
  broadcast,
  all_gather,
  reduce_scatter,
  all_to_all,
  send_recv,
  barrier
};
const char* to_string(Measured measured);
/// Names in order, "all_reduce | broadcast | ...". Throws Error(input) for another name.
std::string measured_names();
Measured measured_by_name(const std::string& name);

struct BenchmarkCase {
  Measured measured = Measured::all_reduce;
  std::int64_t bytes =
      0;  ///< as nccl-tests' "size": the largest buffer of the operation on one rank
  at::ScalarType type = at::kFloat;
};

struct BenchmarkOptions {
  int warmup = 3;
  int iterations = 20;
};

/// Times are medians over the iterations; an iteration takes as long as its slowest rank.
/// algbw = bytes / time; busbw = algbw times what a ring sends per byte (nccl-tests,
/// doc/PERFORMANCE.md), so that it compares with the speed of the links whatever the number of
/// ranks. send_recv: time is half the round trip.
struct Measurement {
  BenchmarkCase what;
  std::int64_t count =
      0;  ///< elements in `bytes`, which may be less than asked for (a multiple of the ranks)
  double seconds = 0;
  std::optional<double>
      raw_seconds;         ///< the same through blocking MPI calls, between the same iterations
  std::int64_t wrong = 0;  ///< elements that were not as expected, over all ranks
};

/// GB/s (10^9); 0 for no bytes.
double algorithm_bandwidth(const Measurement& measurement);
double bus_bandwidth(const Measurement& measurement, int ranks);

/// Checks the operation, then times it; with `raw`, each iteration times the raw calls first (CPU
/// tensors; reductions of 16-bit floats have none). Collective over `world`, which must be all
/// ranks when `raw` is given. Every rank gets the same numbers.
Measurement measure(Communicator& world, const BenchmarkCase& what, const BenchmarkOptions& options,
                    RawMpi* raw);

}  // namespace spillway::comm
