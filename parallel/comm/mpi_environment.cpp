#include "parallel/comm/mpi_environment.hpp"

#include <mpi.h>

#include <cstdlib>
#include <exception>
#include <initializer_list>

#include "configs/error.hpp"

namespace spillway::comm {
namespace {

bool is_running() {
  int initialized = 0, finalized = 0;
  MPI_Initialized(&initialized);
  MPI_Finalized(&finalized);
  return initialized != 0 && finalized == 0;
}

/// The first of the environment variables that is set, as a number.
int from_environment(std::initializer_list<const char*> names, int fallback) {
  for (const char* name : names) {
    if (const char* text = std::getenv(name)) return std::atoi(text);
  }
  return fallback;
}

/// Takes `put` from what Open MPI's TCP transport may do, unless the user has set its flags. With
/// it a receiver asks for a large message by a short one that waits in the same socket behind
/// whatever this rank is sending, so two ranks that exchange large messages send one after the
/// other: an all-reduce between hosts takes twice as long.
void let_tcp_send_both_ways() {
  constexpr int kKeep = 0;
  setenv("OMPI_MCA_btl_tcp_flags", "send,inplace,need-ack,need-csum,hetero-rdma", kKeep);
}

}  // namespace

MpiEnvironment::MpiEnvironment() {
  let_tcp_send_both_ways();
  int provided = 0;
  if (MPI_Init_thread(nullptr, nullptr, MPI_THREAD_MULTIPLE, &provided) != MPI_SUCCESS)
    fail("MPI_Init_thread failed");
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  if (provided < MPI_THREAD_MULTIPLE)
    fail("this MPI has no MPI_THREAD_MULTIPLE; the communication threads need it");
}

MpiEnvironment::~MpiEnvironment() {
  // While an exception unwinds, peers may never reach MPI_Finalize: main ends the job instead.
  if (is_running() && std::uncaught_exceptions() == 0) MPI_Finalize();
}

void MpiEnvironment::abort(int exit_code) noexcept {
  if (is_running()) MPI_Abort(MPI_COMM_WORLD, exit_code);
  std::_Exit(exit_code);
}

LaunchInfo launch_info() {
  LaunchInfo launch;
  launch.rank = from_environment({"OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"}, 0);
  launch.size = from_environment({"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_NTASKS"}, 1);
  launch.local_rank = from_environment({"OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID"}, 0);
  launch.local_size = from_environment({"OMPI_COMM_WORLD_LOCAL_SIZE", "SLURM_NTASKS_PER_NODE"}, 1);
  return launch;
}

}  // namespace spillway::comm
