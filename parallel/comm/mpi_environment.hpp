#pragma once

namespace spillway::comm {

/// MPI from MPI_Init_thread(MULTIPLE) to MPI_Finalize. One per process, made first in a command
/// that uses ranks, so that it dies last. Sets MPI_ERRORS_RETURN on the world. A program started
/// without mpirun is a world of one rank.
class MpiEnvironment {
 public:
  MpiEnvironment();
  MpiEnvironment(const MpiEnvironment&) = delete;
  MpiEnvironment& operator=(const MpiEnvironment&) = delete;
  ~MpiEnvironment();

  /// Ends all ranks of the job with this exit code; does not return.
  [[noreturn]] static void abort(int exit_code) noexcept;
};

/// Rank and size that mpirun or Slurm gave this process, known before MPI starts; 0 of 1 without a
/// launcher.
struct LaunchInfo {
  int rank = 0;
  int size = 1;
  int local_rank = 0;
  int local_size = 1;
};
LaunchInfo launch_info();

}  // namespace spillway::comm
