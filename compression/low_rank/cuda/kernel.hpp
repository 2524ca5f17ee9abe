#pragma once

#include <cstdint>

#include "compression/low_rank/cuda/batch_view.hpp"

namespace spillway::compression::batched {

/// The kernels of a batch, each named after its body.
enum class Kernel : std::uint8_t {
  project,
  project_transposed,
  sum_parts,
  check_finite,
  gram,
  cholesky,
  gram_again,
  cholesky_again,
  normalize,
  gram_schmidt,
  reconstruct,
  sum_squares
};

/// Starts kernels, in order. On the host a test's, on a GPU one that queues on the current stream.
class Launcher {
 public:
  Launcher() = default;
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;
  virtual ~Launcher() = default;

  virtual void launch(Kernel kernel, std::int64_t blocks, const Batch& batch) = 0;
};

}  // namespace spillway::compression::batched
