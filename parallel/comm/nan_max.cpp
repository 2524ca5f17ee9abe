#include "parallel/comm/nan_max.hpp"

#include "parallel/comm/local_reduce.hpp"
#include "parallel/comm/mpi_handle.hpp"

namespace spillway::comm {
namespace {

void apply(void* input, void* in_out, int* length, MPI_Datatype*) {
  const Buffer output{static_cast<std::byte*>(in_out), *length, at::kFloat};
  local_reduce(output,
               {static_cast<const std::byte*>(in_out), static_cast<const std::byte*>(input)},
               ReduceOp::max);
}

}  // namespace

NanMax::NanMax() { check_mpi(MPI_Op_create(&apply, /*commute=*/1, &op_), "MPI_Op_create"); }

NanMax::~NanMax() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (finalized == 0) MPI_Op_free(&op_);
}

}  // namespace spillway::comm
