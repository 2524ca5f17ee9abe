#include "parallel/comm/nccl_handle.hpp"

#include <chrono>
#include <exception>
#include <string>

#include "configs/error.hpp"
#include "parallel/comm/poll_until.hpp"

namespace spillway::comm {
namespace {

constexpr std::chrono::seconds kDeadline{120};

ncclConfig_t non_blocking() {
  ncclConfig_t config = NCCL_CONFIG_INITIALIZER;
  config.blocking = 0;
  return config;
}

/// The state once it is no longer "in progress", or ncclInProgress after the deadline.
ncclResult_t settled(ncclComm_t comm) {
  ncclResult_t state = ncclInProgress;
  poll_until(
      [&] {
        const ncclResult_t asked = ncclCommGetAsyncError(comm, &state);
        if (asked != ncclSuccess) state = asked;
        return state != ncclInProgress;
      },
      kDeadline);
  return state;
}

}  // namespace

void check_nccl(ncclResult_t result, const char* call, std::source_location at) {
  if (result == ncclSuccess || result == ncclInProgress) return;
  const char* detail = ncclGetLastError(nullptr);
  fail("[nccl] " + std::string(call) + ": " + ncclGetErrorString(result) +
           (detail && *detail ? " (" + std::string(detail) + ")" : ""),
       at);
}

NcclHandle::~NcclHandle() {
  if (!comm_ || std::uncaught_exceptions() > 0) return;
  // A destructor has nobody to tell: when the peers do not finish within the deadline, what is left
  // is given up.
  const ncclResult_t begun = ncclCommFinalize(comm_);
  const bool finalized =
      (begun == ncclSuccess || begun == ncclInProgress) && settled(comm_) == ncclSuccess;
  static_cast<void>(finalized ? ncclCommDestroy(comm_) : ncclCommAbort(comm_));
}

NcclHandle NcclHandle::initialize(int size, const ncclUniqueId& id, int rank) {
  NcclHandle handle;
  ncclConfig_t config = non_blocking();
  check_nccl(ncclCommInitRankConfig(&handle.comm_, size, id, rank, &config),
             "ncclCommInitRankConfig");
  handle.settle("ncclCommInitRankConfig");
  return handle;
}

NcclHandle NcclHandle::split(int color, int key) const {
  NcclHandle part;
  ncclConfig_t config = non_blocking();
  check_nccl(
      ncclCommSplit(comm_, color < 0 ? NCCL_SPLIT_NOCOLOR : color, key, &part.comm_, &config),
      "ncclCommSplit");
  settle("ncclCommSplit");
  if (part) part.settle("ncclCommSplit");
  return part;
}

void NcclHandle::settle(const char* call) const {
  const ncclResult_t state = settled(comm_);
  if (state == ncclInProgress) {
    fail("[nccl] " + std::string(call) + ": not finished after " +
         std::to_string(kDeadline.count()) +
         " s; some rank did not take part, or the network between the hosts does not carry NCCL");
  }
  check_nccl(state, call);
}

void NcclHandle::check_health() const {
  ncclResult_t state = ncclSuccess;
  check_nccl(ncclCommGetAsyncError(comm_, &state), "ncclCommGetAsyncError");
  check_nccl(state, "an operation in the background");
}

int NcclHandle::rank() const {
  int rank = 0;
  check_nccl(ncclCommUserRank(comm_, &rank), "ncclCommUserRank");
  return rank;
}

int NcclHandle::size() const {
  int size = 0;
  check_nccl(ncclCommCount(comm_, &size), "ncclCommCount");
  return size;
}

}  // namespace spillway::comm
