#pragma once

#include <mpi.h>

#include <chrono>
#include <source_location>
#include <utility>

namespace spillway::comm {

/// Throws Error(fault) "[mpi] CALL: MPI's own words" unless `code` is MPI_SUCCESS.
void check_mpi(int code, const char* call,
               std::source_location at = std::source_location::current());

/// How long await() may sleep between two polls for what nobody may need yet.
struct Patience {
  std::chrono::microseconds shortest{}, longest{};
};

/// Waits for `request` and lets the processor go: polls for the first quarter millisecond, then
/// sleeps between polls, a thirty-second of what it has waited and up to 0.2 ms. MPI's own waits
/// poll without end, which takes the core from a computing thread (see mpi_communicator.hpp).
///
/// With `patience`, and as long as nobody waits for the job that this thread runs
/// (WorkQueue::rest()), it sleeps an eighth of what it has waited within the bounds of `patience`;
/// a wait that begins ends the sleep.
void await(MPI_Request& request, const char* call, MPI_Status* status = MPI_STATUS_IGNORE,
           Patience patience = {});

/// Owns one MPI_Comm, whose errors are returned, never fatal. Making one is collective over the
/// communicator it comes from.
class MpiHandle {
 public:
  MpiHandle() = default;
  MpiHandle(MpiHandle&& other) noexcept : comm_(std::exchange(other.comm_, MPI_COMM_NULL)) {}
  MpiHandle& operator=(MpiHandle&& other) noexcept {
    std::swap(comm_, other.comm_);
    return *this;
  }
  ~MpiHandle();

  static MpiHandle duplicate(MPI_Comm comm);
  /// Empty for a negative color.
  MpiHandle split(int color, int key) const;

  MPI_Comm get() const { return comm_; }
  explicit operator bool() const { return comm_ != MPI_COMM_NULL; }
  int rank() const;
  int size() const;
  /// Whether all ranks share one host's memory. Collective.
  bool is_on_one_host() const;

 private:
  explicit MpiHandle(MPI_Comm comm);
  MPI_Comm comm_ = MPI_COMM_NULL;
};

}  // namespace spillway::comm
