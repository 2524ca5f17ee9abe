#pragma once

#include <nccl.h>

#include <source_location>
#include <utility>

namespace spillway::comm {

/// Throws Error(fault) "[nccl] CALL: NCCL's own words" unless `result` is ncclSuccess or
/// ncclInProgress.
void check_nccl(ncclResult_t result, const char* call,
                std::source_location at = std::source_location::current());

/// Owns one non-blocking ncclComm_t. Calls on it return at once; settle() after each.
class NcclHandle {
 public:
  NcclHandle() = default;
  NcclHandle(NcclHandle&& other) noexcept : comm_(std::exchange(other.comm_, nullptr)) {}
  NcclHandle& operator=(NcclHandle&& other) noexcept {
    std::swap(comm_, other.comm_);
    return *this;
  }
  /// Finalizes and destroys. While an exception unwinds it leaves the communicator: peers may never
  /// arrive, and the job is ended.
  ~NcclHandle();

  /// Collective over `size` ranks, on the current CUDA device.
  static NcclHandle initialize(int size, const ncclUniqueId& id, int rank);
  /// Collective; empty for a negative color.
  NcclHandle split(int color, int key) const;

  /// Polls until NCCL has finished what the last call began; throws when it failed or took longer
  /// than two minutes.
  void settle(const char* call) const;
  /// Throws when an operation failed in the background.
  void check_health() const;

  ncclComm_t get() const { return comm_; }
  explicit operator bool() const { return comm_ != nullptr; }
  int rank() const;
  int size() const;

 private:
  ncclComm_t comm_ = nullptr;
};

}  // namespace spillway::comm
