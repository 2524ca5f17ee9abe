#include "parallel/comm/make_communicator.hpp"

#include "configs/error.hpp"
#include "parallel/comm/mpi_communicator.hpp"
#include "parallel/comm/mpi_environment.hpp"
#include "parallel/comm/mpi_handle.hpp"
#include "parallel/comm/nccl_communicator.hpp"

namespace spillway::comm {
namespace {

NcclBackend& known_nccl() {
  static NcclBackend backend{
      .devices = [] { return 0; },
      .make_world = []() -> std::unique_ptr<Communicator> {
        fail_input(
            "parallel.backend = \"nccl\": this program is linked without NCCL; use "
            "parallel.backend = \"mpi\"");
      }};
  return backend;
}

bool every_rank_has_a_device() {
  const int mine = known_nccl().devices() > launch_info().local_rank ? 1 : 0;
  int all = 0;
  const MpiHandle world = MpiHandle::duplicate(MPI_COMM_WORLD);
  check_mpi(MPI_Allreduce(&mine, &all, 1, MPI_INT, MPI_MIN, world.get()), "MPI_Allreduce");
  return all == 1;
}

}  // namespace

void set_nccl_backend(NcclBackend backend) { known_nccl() = backend; }
NcclBackend nccl_backend() { return known_nccl(); }

std::unique_ptr<Communicator> make_world(const std::string& backend) {
  if (backend == "auto") return make_world(every_rank_has_a_device() ? "nccl" : "mpi");
  if (backend == "mpi") return make_mpi_world();
  if (backend == "nccl") return nccl_backend().make_world();
  fail_choice("parallel.backend", backend, "auto | mpi | nccl");
}

}  // namespace spillway::comm
