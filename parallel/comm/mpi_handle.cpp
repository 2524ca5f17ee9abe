#include "parallel/comm/mpi_handle.hpp"

#include <sched.h>
#include <sys/prctl.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

#include "configs/error.hpp"
#include "parallel/comm/work_queue.hpp"

namespace spillway::comm {

void check_mpi(int code, const char* call, std::source_location at) {
  if (code == MPI_SUCCESS) return;
  char text[MPI_MAX_ERROR_STRING] = {};
  int length = 0;
  MPI_Error_string(code, text, &length);
  fail("[mpi] " + std::string(call) + ": " + std::string(text, static_cast<std::size_t>(length)),
       at);
}

void await(MPI_Request& request, const char* call, MPI_Status* status, Patience patience) {
  using Clock = std::chrono::steady_clock;
  constexpr std::chrono::microseconds kPoll{250};
  constexpr std::chrono::nanoseconds kLongestSleep{200'000};
  constexpr int kShare = 32;  // asleep for this part of what was waited: late by 3 % at most
  constexpr int kPatientShare = 8;
  // Of this thread, once: a sleep of 20 us is to last 20 us, not 70.
  [[maybe_unused]] thread_local const int slack = prctl(PR_SET_TIMERSLACK, 1000UL /* ns */);
  auto start = Clock::now();
  bool awaited = patience.longest.count() == 0;
  for (int finished = 0;;) {
    check_mpi(MPI_Test(&request, &finished, status), call);
    if (finished != 0) return;
    const std::chrono::nanoseconds waited = Clock::now() - start;
    if (!awaited) {
      awaited = WorkQueue::rest(std::clamp<std::chrono::nanoseconds>(
          waited / kPatientShare, patience.shortest, patience.longest));
      if (awaited) start = Clock::now();
    } else if (waited < kPoll) {
      sched_yield();
    } else {
      std::this_thread::sleep_for(std::min(waited / kShare, kLongestSleep));
    }
  }
}

MpiHandle::MpiHandle(MPI_Comm comm) : comm_(comm) {
  if (comm_ != MPI_COMM_NULL)
    check_mpi(MPI_Comm_set_errhandler(comm_, MPI_ERRORS_RETURN), "MPI_Comm_set_errhandler");
}

MpiHandle::~MpiHandle() {
  int finalized = 0;
  MPI_Finalized(&finalized);
  if (comm_ != MPI_COMM_NULL && finalized == 0) MPI_Comm_free(&comm_);
}

MpiHandle MpiHandle::duplicate(MPI_Comm comm) {
  MPI_Comm copy = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(comm, &copy), "MPI_Comm_dup");
  return MpiHandle(copy);
}

MpiHandle MpiHandle::split(int color, int key) const {
  MPI_Comm part = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split(comm_, color < 0 ? MPI_UNDEFINED : color, key, &part), "MPI_Comm_split");
  return MpiHandle(part);
}

int MpiHandle::rank() const {
  int rank = 0;
  check_mpi(MPI_Comm_rank(comm_, &rank), "MPI_Comm_rank");
  return rank;
}

int MpiHandle::size() const {
  int size = 0;
  check_mpi(MPI_Comm_size(comm_, &size), "MPI_Comm_size");
  return size;
}

bool MpiHandle::is_on_one_host() const {
  MPI_Comm here = MPI_COMM_NULL;
  check_mpi(MPI_Comm_split_type(comm_, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &here),
            "MPI_Comm_split_type");
  return MpiHandle(here).size() == size();
}

}  // namespace spillway::comm
