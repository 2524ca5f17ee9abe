#pragma once

#include <ATen/core/Tensor.h>

#include "parallel/comm/benchmark.hpp"
#include "parallel/comm/mpi_handle.hpp"

namespace spillway::comm {

/// Blocking MPI calls on all ranks of MPI_COMM_WORLD, without thread or queue: what a communicator
/// is compared with.
class RawMpi {
 public:
  RawMpi() : handle_(MpiHandle::duplicate(MPI_COMM_WORLD)) {}

  /// Whether MPI has this operation for this type: it cannot reduce 16-bit floats.
  static bool supports(Measured measured, at::ScalarType type);

  /// One iteration, with the tensors that the communicator is measured with; counts must fit an
  /// int.
  void run(Measured measured, const at::Tensor& whole, const at::Tensor& part);
  void barrier();

 private:
  MpiHandle handle_;
};

}  // namespace spillway::comm
