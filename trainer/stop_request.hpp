#pragma once

namespace spillway::trainer {

/// Catches SIGTERM and SIGUSR1 for as long as it lives: the run saves at the next step boundary and
/// ends with exit code 85. One per process. A second signal of the same kind has its default
/// effect, so that a stuck run can still be ended.
class StopRequest {
 public:
  StopRequest();
  StopRequest(const StopRequest&) = delete;
  StopRequest& operator=(const StopRequest&) = delete;
  ~StopRequest();

  /// Whether this rank was asked to stop; the ranks agree on it with the step's vote.
  static bool pending();
};

inline constexpr int kStoppedExitCode = 85;

}  // namespace spillway::trainer
