#include "parallel/comm/mpi_datatype.hpp"

#include <string>

#include "configs/error.hpp"

namespace spillway::comm {

MPI_Datatype mpi_datatype(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return MPI_FLOAT;
    case at::kBFloat16:
    case at::kHalf:
      return MPI_UINT16_T;
    case at::kInt:
      return MPI_INT32_T;
    case at::kLong:
      return MPI_INT64_T;
    case at::kByte:
      return MPI_UINT8_T;
    default:
      fail("no MPI type for " + std::string(c10::toString(type)));
  }
}

}  // namespace spillway::comm
