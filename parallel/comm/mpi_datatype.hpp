#pragma once

#include <ATen/core/ScalarType.h>
#include <mpi.h>

namespace spillway::comm {

/// What MPI moves an element as: itself, or 16 bits for the floats that MPI lacks and that are
/// never reduced by it (see is_half). Throws Error(fault) for a type that no communicator carries.
MPI_Datatype mpi_datatype(at::ScalarType type);

}  // namespace spillway::comm
