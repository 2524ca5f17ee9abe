#pragma once

#include <mpi.h>

namespace spillway::comm {

/// Owns an MPI_Op: the maximum of floats that keeps NaN, which MPI_MAX does not on every rank
/// alike.
class NanMax {
 public:
  NanMax();
  NanMax(const NanMax&) = delete;
  NanMax& operator=(const NanMax&) = delete;
  ~NanMax();

  MPI_Op get() const { return op_; }

 private:
  MPI_Op op_ = MPI_OP_NULL;
};

}  // namespace spillway::comm
