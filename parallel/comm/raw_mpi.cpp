#include "parallel/comm/raw_mpi.hpp"

#include "configs/error.hpp"
#include "parallel/comm/mpi_datatype.hpp"
#include "parallel/comm/transport.hpp"

namespace spillway::comm {
namespace {

int count_of(const at::Tensor& tensor) { return static_cast<int>(tensor.numel()); }

/// The two of ranks 0 and 1, 2 and 3, ... send to each other in turn.
void send_and_receive(const at::Tensor& sent, const at::Tensor& received, const MpiHandle& handle) {
  const int rank = handle.rank(), peer = rank ^ 1;
  const MPI_Datatype type = mpi_datatype(sent.scalar_type());
  if (peer >= handle.size()) return;
  const auto send = [&] {
    check_mpi(MPI_Send(sent.data_ptr(), count_of(sent), type, peer, 0, handle.get()), "MPI_Send");
  };
  if (rank % 2 == 0) send();
  check_mpi(MPI_Recv(received.data_ptr(), count_of(received), type, peer, 0, handle.get(),
                     MPI_STATUS_IGNORE),
            "MPI_Recv");
  if (rank % 2 == 1) send();
}

}  // namespace

bool RawMpi::supports(Measured measured, at::ScalarType type) {
  return !is_half(type) ||
         (measured != Measured::all_reduce && measured != Measured::reduce_scatter);
}

void RawMpi::run(Measured measured, const at::Tensor& whole, const at::Tensor& part) {
  const MPI_Comm comm = handle_.get();
  const MPI_Datatype type = mpi_datatype(whole.scalar_type());
  switch (measured) {
    case Measured::all_reduce:
      return check_mpi(
          MPI_Allreduce(MPI_IN_PLACE, whole.data_ptr(), count_of(whole), type, MPI_SUM, comm),
          "MPI_Allreduce");
    case Measured::broadcast:
      return check_mpi(MPI_Bcast(whole.data_ptr(), count_of(whole), type, 0, comm), "MPI_Bcast");
    case Measured::all_gather:
      return check_mpi(MPI_Allgather(part.data_ptr(), count_of(part), type, whole.data_ptr(),
                                     count_of(part), type, comm),
                       "MPI_Allgather");
    case Measured::reduce_scatter:
      return check_mpi(MPI_Reduce_scatter_block(whole.data_ptr(), part.data_ptr(), count_of(part),
                                                type, MPI_SUM, comm),
                       "MPI_Reduce_scatter_block");
    case Measured::all_to_all:
      return check_mpi(MPI_Alltoall(whole.data_ptr(), count_of(part) / handle_.size(), type,
                                    part.data_ptr(), count_of(part) / handle_.size(), type, comm),
                       "MPI_Alltoall");
    case Measured::send_recv:
      return send_and_receive(whole, part, handle_);
    case Measured::barrier:
      return barrier();
  }
}

void RawMpi::barrier() { check_mpi(MPI_Barrier(handle_.get()), "MPI_Barrier"); }

}  // namespace spillway::comm
