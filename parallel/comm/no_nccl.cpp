#include "configs/error.hpp"
#include "parallel/comm/nccl_communicator.hpp"

namespace spillway::comm {

void enable_nccl() {
  set_nccl_backend(
      {.devices = [] { return 0; },
       .make_world = []() -> std::unique_ptr<Communicator> {
         fail_input(
             "parallel.backend = \"nccl\": this build has no CUDA; install the CUDA toolkit 13 "
             "with NCCL and configure again, or use parallel.backend = \"mpi\"");
       }});
}

}  // namespace spillway::comm
