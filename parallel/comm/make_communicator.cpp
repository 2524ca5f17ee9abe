#include "parallel/comm/make_communicator.hpp"

#include "configs/error.hpp"
#include "parallel/comm/mpi_communicator.hpp"

namespace spillway::comm {

std::unique_ptr<Communicator> make_world(const std::string& backend) {
  if (backend == "mpi") return make_mpi_world();
  fail_choice("parallel.backend", backend, "auto | mpi | nccl");
}

}  // namespace spillway::comm
